"""Real servers for the tests: PostgreSQL and NATS are started once for a session, however many processes run it.

`database` is a fresh database for a module, cloned from a migrated template; `tenant` is fresh for each test. A module
that wants four partitions overrides the fixture `partitions`. Tests in tests/unit start no server.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import hypothesis
import pytest

from eventstore.postgres import Connection, Pool, open_pool
from projections.migrate import migrate

# The same examples each time; `make fuzz` looks for others for as long as it likes.
hypothesis.settings.register_profile("ci", max_examples=100, stateful_step_count=60, derandomize=True, deadline=None)
hypothesis.settings.register_profile("fuzz", max_examples=3000, stateful_step_count=80, deadline=None)
hypothesis.settings.load_profile("ci")

ROOT = Path(__file__).parent.parent
TEMPLATE_LOCK = 7_469_6469
POOL_SIZE = 8

FIND = "select exists (select from pg_database where datname = $1)"
# DDL takes no parameters, so the server itself quotes the names.
WRITE_CREATE = "select format('create database %I template %I owner tidings', $1::text, $2::text)"
WRITE_DROP = "select format('drop database if exists %I with (force)', $1::text)"


class Servers(NamedTuple):
    """Where the session's servers are, with credentials."""

    database_url: str
    admin_database_url: str
    nats_url: str


class Launcher:
    """The session's servers, started by the first who asks, ended by the pytest that began it all."""

    def __init__(self, given: list[str] | None = None) -> None:
        self._given = given
        self._process: subprocess.Popen[str] | None = None
        self._data: Path | None = None

    @cached_property
    def servers(self) -> Servers:
        if self._given:
            return Servers(*self._given)
        self._data = Path(tempfile.mkdtemp(prefix="tidings-test-"))
        command = [sys.executable, "-m", "services.embedded", str(self._data), "--hurried"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "PostgreSQL and NATS did not start: their words are above"
        return Servers(**json.loads(line))

    def end(self) -> None:
        if self._process:
            self._process.communicate(timeout=20)  # closes its stdin, which ends it
        if self._data:
            shutil.rmtree(self._data, ignore_errors=True)


LAUNCHER = pytest.StashKey[Launcher]()


def pytest_configure(config: pytest.Config) -> None:
    handed_over: dict[str, list[str]] = getattr(config, "workerinput", {})
    config.stash[LAUNCHER] = Launcher(handed_over.get("servers"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: pytest.Item) -> None:
    """Hand the servers to a process of pytest-xdist, unless only tests without servers run."""
    if not all("tests/unit" in argument for argument in node.config.args):
        node.workerinput["servers"] = list(node.config.stash[LAUNCHER].servers)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if launcher := config.stash.get(LAUNCHER, None):
        launcher.end()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    return pytestconfig.stash[LAUNCHER].servers


@pytest.fixture(scope="session")
def nats_url(servers: Servers) -> str:
    return servers.nats_url


@pytest.fixture(scope="module")
def partitions() -> int:
    return 1


NewDatabase = Callable[[int], Awaitable[str]]


@pytest.fixture(scope="module")
async def new_database(servers: Servers) -> AsyncIterator[NewDatabase]:
    """Makes databases for a module: called with the count of partitions, gives the URL of a fresh one."""
    admin = await asyncpg.connect(servers.admin_database_url)
    made: list[str] = []

    async def create(partitions: int) -> str:
        template = await _template(admin, servers, partitions)
        made.append(f"test_{uuid4().hex}")
        await admin.execute(await admin.fetchval(WRITE_CREATE, made[-1], template))
        return _url(servers, made[-1])

    try:
        yield create
        for name in made:
            await admin.execute(await admin.fetchval(WRITE_DROP, name))
    finally:
        await admin.close()


async def _template(admin: Connection, servers: Servers, partitions: int) -> str:
    """A migrated database to clone, made by the first process that wants it."""
    name = f"template_{partitions}"
    await admin.execute("select pg_advisory_lock($1)", TEMPLATE_LOCK)
    try:
        if not await admin.fetchval(FIND, name):
            draft = f"draft_{partitions}"
            await admin.execute(await admin.fetchval(WRITE_DROP, draft))
            await admin.execute(await admin.fetchval(WRITE_CREATE, draft, "template1"))
            await migrate(_url(servers, draft), partitions)
            await admin.execute(
                await admin.fetchval("select format('alter database %I rename to %I', $1::text, $2::text)", draft, name)
            )
    finally:
        await admin.execute("select pg_advisory_unlock($1)", TEMPLATE_LOCK)
    return name


def _url(servers: Servers, database: str) -> str:
    return servers.database_url.rpartition("/")[0] + f"/{database}"


@pytest.fixture(scope="module")
async def database(new_database: NewDatabase, partitions: int) -> str:
    """The URL of the module's own database, migrated and empty."""
    return await new_database(partitions)


@pytest.fixture(scope="module")
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database, POOL_SIZE, name="test")
    yield pool
    await pool.close()


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has."""
    return f"t-{uuid4().hex[:12]}"
