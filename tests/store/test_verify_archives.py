"""Promise 5 also holds for what left the table: records, files and carried lines can't be changed unnoticed."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventstore.audit import parts
from eventstore.audit.checkpoints import Makers
from eventstore.audit.signed import Trust
from eventstore.audit.verify import total, verify
from eventstore.audit.workers import workers
from eventstore.postgres import Connection, Pool
from schemas import events as e
from tests.conftest import NewDatabase, Servers
from tests.store.archive_tampering import WAYS, Tamper
from tests.store.archived import TENANT, archive_some, files_of, log_of
from tests.store.logs import append, fill

TIMES = 11  # 19 ways × 11 = 209 times
TABLES = ("events", "heads", "signed_checkpoints", "archives", "archive_place")

Restore = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


@pytest.fixture(scope="module")
async def log(new_database: NewDatabase, folder: Path) -> AsyncIterator[Pool]:
    """Four archives with checkpoints before, in and behind them; open jobs, and one that was retried, are carried."""
    async with log_of(new_database, folder, 60) as pool:
        makers = Makers(pool, 1, None)
        await makers.make()
        await archive_some(pool, 61, ranges=2)
        gone = """select id::text from jobs j where state = 'canceled' and tenant = $1 and position < 122
            and not exists (select from events e where e.stream = j.id::text) order by id limit 1"""
        again = await pool.fetchval(gone, TENANT)
        retried = [e.RetryRequested(run=2, scope="all", plan=""), e.JobQueued(run=2, ready_at="2026-01-01T00:00:00Z")]
        await append(pool, 0, TENANT, [(again, retried)])
        await archive_some(pool, 61)
        assert await pool.fetchval("select count(*) from events where stream = $1", again) == 2
        await fill(pool, 0, TENANT, 10, 3)
        await makers.make()
        yield pool


@pytest.fixture(scope="module")
async def database_of_log(log: Pool, servers: Servers) -> str:
    name = await log.fetchval("select current_database()")
    return urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="module")
async def superuser(log: Pool, servers: Servers) -> AsyncIterator[Connection]:
    """Whom no trigger stops."""
    name = await log.fetchval("select current_database()")
    conn = await asyncpg.connect(urlsplit(servers.admin_database_url)._replace(path=f"/{name}").geturl())
    yield conn
    await conn.close()


@pytest.fixture(scope="module")
async def kept(superuser: Connection, folder: Path) -> Restore:
    """Keeps the log and the files as they are, and puts them back."""
    for table in TABLES:
        await superuser.execute(f"create table kept_{table} as table {table}")
    files = {path: path.read_bytes() for path in files_of(folder)}

    async def restore() -> None:
        for table in TABLES:
            await superuser.execute(f"truncate {table}; insert into {table} table kept_{table}")
        for path, content in files.items():
            path.write_bytes(content)

    return restore


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_every_tampering_is_found(
    log: Pool, superuser: Connection, folder: Path, kept: Restore, way: Tamper
) -> None:
    assert await log.fetchval("select count(*) from archives") >= 4
    for seed in range(TIMES):
        kinds = await way(superuser, folder, random.Random(f"{way.__name__} {seed}"))
        found = await verify(log, Trust())
        await kept()
        assert not found.ok, f"{way.__name__} {seed} was not found"
        assert found.first_bad
        assert found.first_bad.kind in kinds, (seed, found.first_bad)
    assert (await verify(log, Trust())).ok


async def test_processes_check_archives_side_by_side(
    log: Pool, database_of_log: str, kept: Restore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", 64)
    with workers(database_of_log, await total(log), 2) as helpers:
        assert helpers
        report = await verify(log, Trust(), helpers=helpers)
        assert report.ok
        assert report.events == await total(log)
        victim = files_of(folder)[0]
        victim.write_bytes(victim.read_bytes() + b"\0")
        bad = (await verify(log, Trust(), helpers=helpers)).first_bad
    await kept()
    assert bad
    assert victim.name in bad.detail


async def test_an_archive_from_before_digests_still_holds(log: Pool, superuser: Connection, kept: Restore) -> None:
    await superuser.execute("update archives set digest = null")
    assert (await verify(log, Trust())).ok
    await kept()


async def test_a_job_that_left_twice_and_is_open_again_is_no_wolf(new_database: NewDatabase, tmp_path: Path) -> None:
    """Ended, archived, repeated, retried, archived, ended and archived again, and retried once more."""
    async with log_of(new_database, tmp_path, 24) as pool:
        await archive_some(pool, 40)
        gone = "select id::text from jobs where state = 'canceled' and tenant = $1 order by id limit 1"
        job = await pool.fetchval(gone, TENANT)
        queued = e.JobQueued(run=2, ready_at="2026-01-01T00:00:00.000000Z")
        steps: list[list[e.Event]] = [
            [e.RequestRepeated(clicks=9)],
            [e.RetryRequested(run=2, scope="all", plan=""), queued],
            [e.CancelRequested(held=False), e.JobCanceled()],
            [e.RequestRepeated(clicks=10)],
            [e.RetryRequested(run=3, scope="all", plan="")],
        ]
        for step in steps:
            await append(pool, 0, TENANT, [(job, step)])
            await archive_some(pool, 40)
            report = await verify(pool, Trust())
            assert report.ok, (step, report.first_bad)
            await fill(pool, 0, TENANT, 3, len(step))
            assert (await verify(pool, Trust())).ok
