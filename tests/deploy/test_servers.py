"""Real servers begin with the settings in deploy/, which are those of the embedded ones."""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from eventstore import jetstream
from projections.migrate import migrate
from schemas import subjects
from services.embedded import nats, postgres
from services.embedded.child import Child, begin
from services.embedded.folder import DataFolder
from services.embedded.postgres import Postgres
from services.embedded.stack import free_ports

DEPLOY = Path(__file__).parents[2] / "deploy"
OF_THE_PLACE = {"listen_addresses", "unix_socket_directories"}
WAIT_S = 30


def postgres_conf() -> Mapping[str, str]:
    lines = re.findall(r"^(\w+) = (.+)$", (DEPLOY / "postgres.conf").read_text(), re.MULTILINE)
    return {name: value.strip("'") for name, value in lines if name not in OF_THE_PLACE}


def test_postgres_is_set_as_the_embedded_one() -> None:
    assert postgres_conf() == {name: value for name, value in postgres._SETTINGS.items() if name not in OF_THE_PLACE}


@pytest.mark.parametrize("name", ["max_payload", "sync_interval"])
def test_nats_is_set_as_the_embedded_one(name: str, tmp_path: Path) -> None:
    with DataFolder(tmp_path) as folder:
        nats.Nats(folder, folder.secrets(), 4222, durable=True).prepare()
        found = [re.findall(rf"{name}: (\w+)", path.read_text()) for path in tmp_path.rglob("nats.conf")]
    assert found == [re.findall(rf"{name}: (\w+)", (DEPLOY / "nats.conf").read_text())]
    assert found != [[]]


@asynccontextmanager
async def ended(child: Child, polite: signal.Signals = signal.SIGTERM) -> AsyncIterator[Child]:
    try:
        yield child
    finally:
        await child.end(polite, WAIT_S)


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that PostgreSQL's account can walk to: pytest closes its own whenever another run begins."""
    with tempfile.TemporaryDirectory(prefix="tidings-deploy-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_postgres_begins_and_its_role_is_enough(data: Path) -> None:
    """As in the compose file: the superuser runs the SQL file once, then the service's own role does everything."""
    with DataFolder(data) as folder:
        (port,) = free_ports(1)
        secrets = folder.secrets()
        server = Postgres(folder, secrets, port, durable=True)
        await asyncio.to_thread(server.prepare)
        conf = data / "postgres.conf"
        conf.write_bytes((DEPLOY / "postgres.conf").read_bytes())
        conf.chmod(0o644)
        command = [str(postgres._install() / "bin/postgres"), "-D", str(folder.postgres), "-c", f"config_file={conf}"]
        command += ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        env, account = postgres._environment(), server._account
        child = begin("postgres", command, log=folder.log("postgres"), env=env, account=account)
        async with ended(child, signal.SIGINT), asyncio.timeout(WAIT_S):
            await until_open(port, child)
            superuser = await connected(server.url("postgres", "postgres"))
            taken = await superuser.fetch("select name, setting from pg_file_settings where error is null")
            assert dict(map(tuple, taken)) == postgres_conf()
            await superuser.close()
            await asyncio.to_thread(run_init, server.url("postgres", "postgres"))
            url = f"postgresql://tidings:word1@127.0.0.1:{port}/tidings"
            await migrate(url, 1)
            service = await connected(url)
            assert await service.fetchval("select count(*) from heads") == 1
            await service.close()


async def connected(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Once it has begun: it opens its port a little earlier."""
    while True:
        try:
            return await asyncpg.connect(url)
        except asyncpg.CannotConnectNowError:
            continue


def run_init(url: str) -> None:
    psql = str(postgres._install() / "bin/psql")
    env = {**os.environ, "TIDINGS_DATABASE_PASSWORD": "word1", "LC_ALL": "C"}
    init = DEPLOY / "postgres-init.sql"
    subprocess.run([psql, "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "-f", str(init), url], env=env, check=True)


async def until_open(port: int, child: Child) -> None:
    while not child.exited.is_set():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        writer.close()
        return
    raise AssertionError(f"it ended with code {child.code}")


@pytest.mark.parametrize("name", ["nats.conf", "nats-cluster.conf"])
def test_nats_takes_its_configuration(name: str) -> None:
    env = {**os.environ, "NATS_SERVER_NAME": "nats-1", "NATS_PASSWORD": "word1"}
    command = [str(nats._binary()), "-c", str(DEPLOY / name), "-t"]
    assert "is valid" in subprocess.run(command, env=env, check=True, capture_output=True, text=True).stderr


async def test_three_servers_hold_every_stream_three_times(tmp_path: Path) -> None:
    """The cluster's file as it is, but for the places, which are all on this machine."""
    ports, routes = free_ports(3), free_ports(3)
    known = ",".join(f"nats://127.0.0.1:{route}" for route in routes)
    async with AsyncExitStack() as stack:
        for n, (port, route) in enumerate(zip(ports, routes, strict=True)):
            command = [str(nats._binary()), "-c", str(DEPLOY / "nats-cluster.conf"), "-a", "127.0.0.1", "-p", str(port)]
            command += ["-m", "-1", "-sd", str(tmp_path / f"{n}"), "--cluster", f"nats://127.0.0.1:{route}"]
            env = {**os.environ, "NATS_SERVER_NAME": f"nats-{n}", "NATS_PASSWORD": "word1"}
            child = begin(f"nats-{n}", [*command, "--routes", known], log=tmp_path / f"{n}.log", env=env)
            await stack.enter_async_context(ended(child))
        async with asyncio.timeout(WAIT_S):
            client = await jetstream.connect(",".join(f"nats://tidings:word1@127.0.0.1:{port}" for port in ports), "t")
            stack.push_async_callback(client.close)
            js = client.jetstream()
            while True:
                try:
                    await jetstream.ensure_streams(js, 1, replicas=3)
                    break
                except jetstream.AWAY:  # they elect a leader first
                    continue
            info = await js.stream_info(subjects.STATUS_STREAM)
            assert info.cluster is not None
            assert len(info.cluster.replicas or ()) == 2
