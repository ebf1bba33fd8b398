"""The embedded servers: whatever is killed, the next start on the same folder works and nothing is left behind."""

import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest

from tests.e2e.processes import ROOT, Process, alive, servers


@pytest.fixture
def started(data: Path) -> Iterator[Process]:
    with servers(data) as process:
        yield process


async def write(process: Process, word: str) -> None:
    """Leave a mark in both servers."""
    conn = await asyncpg.connect(process.ready["database_url"])
    await conn.execute("create table if not exists marks (word text)")
    await conn.execute("insert into marks values ($1)", word)
    await conn.close()
    client = await nats.connect(process.ready["nats_url"])
    stream = client.jetstream()
    await stream.add_stream(name="MARKS", subjects=["marks"])
    await stream.publish("marks", word.encode())
    await client.close()


async def read(process: Process) -> tuple[list[str], int]:
    """The marks in PostgreSQL, and their count in NATS."""
    conn = await asyncpg.connect(process.ready["database_url"])
    words = [row["word"] for row in await conn.fetch("select word from marks order by word")]
    await conn.close()
    client = await nats.connect(process.ready["nats_url"])
    info = await client.jetstream().stream_info("MARKS")
    await client.close()
    return words, info.state.messages


def test_it_is_ready_new_and_again(data: Path) -> None:
    for age in ("new", "again"):
        begun = time.monotonic()
        with servers(data) as process:
            print(f"ready {age} after {time.monotonic() - begun:.1f} s")
            assert process.end() == 0


async def test_its_roles(started: Process) -> None:
    """The service's own role owns its database and is no superuser; both are refused without their password."""
    conn = await asyncpg.connect(started.ready["database_url"])
    owner = await conn.fetchrow(
        """select current_user = pg_get_userbyid(datdba) as owns, rolsuper, rolcreatedb,
            current_setting('fsync') as fsync
        from pg_database, pg_roles where datname = current_database() and rolname = current_user"""
    )
    assert owner
    assert tuple(owner) == (True, False, False, "on")
    await conn.close()
    admin = await asyncpg.connect(started.ready["admin_database_url"])
    assert await admin.fetchval("select rolsuper from pg_roles where rolname = current_user")
    assert (await admin.fetchval("show server_version")).startswith("18.")
    await admin.close()


@pytest.mark.parametrize("which", ["database_url", "admin_database_url"])
async def test_postgres_wants_the_password(started: Process, which: str) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(re.sub(":[^:@]+@", ":wrong@", started.ready[which]))


async def test_nats_wants_the_password(started: Process) -> None:
    wrong = re.sub(":[^:@]+@", ":wrong@", started.ready["nats_url"])
    with pytest.raises(nats.errors.Error, match="Authorization"):
        await nats.connect(wrong, allow_reconnect=False)


def test_its_secrets_are_the_owners_alone(started: Process, data: Path) -> None:
    assert started.ready
    for private in (data / "secrets.json", data / "nats/nats.conf"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    for closed in (data / "files", data / "logs", data / "nats", data / "postgres"):
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_second_start_is_refused_with_the_owners_pid(started: Process, data: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "services.embedded", str(data)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode != 0
    assert f"in use by process {started.pid}" in second.stderr
    assert "--data" in second.stderr
    assert started.popen.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_all(started: Process, number: signal.Signals) -> None:
    family = started.family()
    started.popen.send_signal(number)
    assert started.popen.wait(15) == 0
    assert alive(family, within_s=0) == []


@pytest.mark.parametrize("killed", [(), ("postgres",), ("nats-server",), ("postgres", "nats-server")])
async def test_after_kill_9_the_next_start_has_everything(data: Path, killed: tuple[str, ...]) -> None:
    with servers(data) as first:
        await write(first, "before")
        family, children = first.family(), first.children()
        first.popen.send_signal(signal.SIGSTOP)  # so that it neither begins them again nor takes them along
        for name in killed:
            children[name].kill()
        first.popen.kill()
        first.popen.wait(10)
    with servers(data) as second:
        assert await read(second) == (["before"], 1)
        await write(second, "later")
        assert await read(second) == (["before", "later"], 2)
        assert alive(family, within_s=0) == [], "what the dead owner left has been ended"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends them")
def test_nothing_outlives_a_killed_owner(started: Process) -> None:
    family = started.family()
    started.popen.kill()
    started.popen.wait(10)
    assert alive(family) == []


@pytest.mark.parametrize("name", ["postgres", "nats-server"])
async def test_a_server_that_dies_alone_is_begun_again(started: Process, name: str) -> None:
    """On its port, so that clients find it again."""
    await write(started, "before")
    old = started.children()[name]
    old.kill()
    started.hear(lambda line: "is back" in line)
    assert await read(started) == (["before"], 1)
    assert started.children()[name].pid != old.pid


async def test_leftovers_of_a_dead_owner_are_ended_first(data: Path) -> None:
    """As on a system that tells nobody of its parent's death: the servers run on without their owner."""
    with servers(data) as first:
        await write(first, "before")
        children = list(first.children().values())
        for child in children:
            child.suspend()  # so that the signal of the owner's death does not reach them yet
        first.popen.kill()
        first.popen.wait(10)
        assert all(child.status() == psutil.STATUS_STOPPED for child in children)
        for child in children:
            child.resume()
        with servers(data) as second:
            assert await read(second) == (["before"], 1)
            assert alive(children, within_s=0) == []
