"""Live equals rebuilt, row for row, while the service runs; what is spoiled is named and a rebuild mends it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore import read
from eventstore.partitions import partition_of
from eventstore.postgres import Pool, open_pool
from projections import rebuild as rebuilding
from projections.apply import TABLES
from projections.rebuild import CannotRebuild, rebuild
from projections.verify import KEYS, Difference, verify
from schemas.jobtypes import JobType
from schemas.states import State
from tests.conftest import NewDatabase
from tests.store.logs import append, fill, job_id, requested, worked
from tests.store.schema import schema_of
from tests.store.services import Service, claim, define, serving, submit


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def partition(tenant: str, partitions: int) -> int:
    return partition_of(tenant, partitions)


@pytest.fixture
async def service(pool: Pool, database: str, partitions: int) -> AsyncIterator[Service]:
    async with serving(pool, database, partitions) as running:
        yield running


def test_every_table_is_compared() -> None:
    assert tuple(KEYS) == TABLES


async def test_live_equals_rebuilt(pool: Pool, partition: int, tenant: str) -> None:
    await fill(pool, partition, tenant, 60)
    assert await verify(pool) == []
    async with pool.acquire() as conn:
        heads = await read.heads(conn)
    before, schema = {table: await rows(pool, table) for table in TABLES}, await schema_of(pool)
    report = await rebuild(pool)
    assert report.positions == heads
    assert report.events == sum(heads.values())
    assert {table: await rows(pool, table) for table in TABLES} == before
    assert before["items"]
    assert await schema_of(pool) == schema
    assert await verify(pool) == []


SURPLUS_ITEM = """insert into items (partition, job, id, failed, run, attempt)
    select partition, id, $2, true, 1, 1 from jobs where id = $1"""
SPOILED = [
    ("update jobs set state = $2 where id = $1", State.FINISHED.value, "jobs", "state"),
    ("update jobs set doc = replace(doc::text, '7b', '7b20')::bytea where id = $1 and $2 <> ''", "x", "jobs", "doc"),
    ("update queue set priority = 7 where job = $1 and $2 <> ''", "x", "queue", "priority"),
    ("delete from queue where job = $1 and $2 <> ''", "x", "queue", "*"),
    ("update dedupe set state = $2 where job = $1", "gone", "dedupe", "state"),
    ("update jobs set request = convert_to($2, 'utf8') where id = $1", "no JSON", "jobs", "request"),
    (SURPLUS_ITEM, "99", "items", "*"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "value", "table", "column"), SPOILED)
async def test_a_spoiled_row_is_named_and_mended(
    pool: Pool, partition: int, tenant: str, spoil: str, value: str, table: str, column: str
) -> None:
    job = job_id()
    await append(pool, partition, tenant, [(job, requested(job))])
    assert await pool.execute(spoil, job, value) in {"UPDATE 1", "DELETE 1", "INSERT 0 1"}
    found = await verify(pool)
    assert [(each.table, each.column) for each in found] == [(table, column)]
    assert job.replace("-", "") in str(found[0].key).replace("-", "")
    await rebuild(pool)
    assert await verify(pool) == []


async def test_a_spoiled_document_is_told_by_its_field(pool: Pool, partition: int, tenant: str) -> None:
    job = job_id()
    await append(pool, partition, tenant, [(job, requested(job))])
    doc = await pool.fetchval("select doc from jobs where id = $1", job)
    await pool.execute("update jobs set doc = $2 where id = $1", job, doc.replace(b'"owner":"ann"', b'"owner":"eve"'))
    key: dict[str, object] = {"partition": partition, "id": job}
    assert await verify(pool) == [Difference(table="jobs", key=key, column="doc.owner", live="eve", rebuilt="ann")]
    await rebuild(pool)


async def test_a_missing_and_a_surplus_row_are_named(pool: Pool, partition: int, tenant: str) -> None:
    kept, lost = job_id(), job_id()
    await append(pool, partition, tenant, [(kept, requested(kept)), (lost, [*requested(lost), *worked()])])
    await pool.execute("delete from jobs where id = $1", lost)
    assert [(each.column, each.live) for each in await verify(pool) if each.table == "jobs"] == [("*", None)]
    await rebuild(pool)
    assert await verify(pool) == []


async def test_the_service_runs_on_meanwhile(pool: Pool, database: str, service: Service, tenant: str) -> None:
    """Submits, claims and reads go on through three rebuilds and as many proofs; leases stay where they are."""
    await define(service, tenant, JobType(title="Export", lease=600))
    await submit(service, tenant, 0)
    taken = await claim(service, tenant)
    done = asyncio.Event()
    reader = await asyncpg.connect(database)
    statement = await reader.prepare("select count(*) from jobs where tenant = $1")

    async def click() -> int:
        n = 0
        while not done.is_set():
            n += 1
            await asyncio.gather(submit(service, tenant, n), submit(service, tenant, n), claim(service, tenant))
            assert await statement.fetchval(tenant) == n + 1
        return n

    clicking = asyncio.create_task(click())
    try:
        for _ in range(3):
            await rebuild(pool)
            assert await verify(pool) == []
            assert not clicking.done()
    finally:
        done.set()
    clicks = await clicking
    await reader.close()
    assert await verify(pool) == []
    assert await pool.fetchval("select count(*) from jobs where tenant = $1", tenant) == clicks + 1
    assert await pool.fetchval("select count(*) from leases where job = $1", taken.assignments[0].job.id) == 1
    assert await pool.fetchval("select to_regnamespace('rebuild')") is None


async def test_prepared_statements_survive_the_swap(pool: Pool, database: str, partition: int, tenant: str) -> None:
    """Planned on the old tables, even generically, they see the new ones' rows and later changes."""
    other = await asyncpg.connect(database, server_settings={"plan_cache_mode": "force_generic_plan"})
    statement = await other.prepare("select state from jobs where partition = $1 and id = $2")
    job = job_id()
    await append(pool, partition, tenant, [(job, requested(job))])
    assert await statement.fetchval(partition, job) == State.QUEUED
    await rebuild(pool)
    assert await statement.fetchval(partition, job) == State.QUEUED
    await append(pool, partition, tenant, [(job, worked())])
    assert await statement.fetchval(partition, job) == State.FINISHED
    await other.close()


async def test_a_rebuild_that_dies_leaves_the_live_ones(
    pool: Pool, partition: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(pool, partition, tenant, 5)
    before = await rows(pool, "jobs")
    swap = rebuilding._swap

    async def die(conn: asyncpg.Connection, positions: dict[int, int]) -> float:
        await conn.execute("select pg_terminate_backend(pg_backend_pid())")
        return await swap(conn, positions)

    with monkeypatch.context() as patched:
        patched.setattr(rebuilding, "_swap", die)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await rebuild(pool)
    assert await rows(pool, "jobs") == before
    assert await verify(pool) == []
    assert (await rebuild(pool)).events > 0
    assert await rows(pool, "jobs") == before


async def test_the_swap_waits_for_a_long_reader(
    pool: Pool, database: str, partition: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives way each time, so that nobody queues behind it; in the end it says what stood in its way."""
    await fill(pool, partition, tenant, 3)
    before = await rows(pool, "jobs")
    monkeypatch.setattr(rebuilding, "SWAP_PAUSE_S", 0.01)
    monkeypatch.setattr(rebuilding, "SWAP_TRIES", 2)
    reader = await asyncpg.connect(database)
    async with reader.transaction():
        await reader.execute("select 1 from jobs limit 1")
        with pytest.raises(CannotRebuild, match="read all the time"):
            await rebuild(pool)
        await append(pool, partition, tenant, [(job := job_id(), requested(job))])
    await reader.close()
    assert len(await rows(pool, "jobs")) == len(before) + 1
    await rebuild(pool)
    assert await verify(pool) == []


async def test_a_log_shorter_than_its_head_is_told(new_database: NewDatabase, tenant: str) -> None:
    """Nothing is swapped for what a damaged log would give."""
    async with await open_pool(await new_database(1), 2) as pool:
        await fill(pool, 0, tenant, 3)
        await pool.execute("update heads set position = position + 1")
        before = await rows(pool, "jobs")
        for attempt in (rebuild, verify):
            with pytest.raises(ValueError, match="before its head"):
                await attempt(pool)
        assert await rows(pool, "jobs") == before


async def test_only_one_rebuild_at_a_time(pool: Pool) -> None:
    async with pool.acquire() as conn:
        await conn.execute("select pg_advisory_lock($1)", rebuilding.LOCK)
        with pytest.raises(CannotRebuild, match="Another rebuild"):
            await rebuild(pool)


async def rows(pool: Pool, table: str) -> list[asyncpg.Record]:
    return await pool.fetch(f"select * from {table} order by {', '.join(KEYS[table])}")
