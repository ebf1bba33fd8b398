"""How events become true: contiguous positions and an unbroken chain, whoever appends and whatever fails."""

import asyncio
from itertools import pairwise

import asyncpg
import pytest

from eventstore import read
from eventstore.append import Batch, TooLarge
from eventstore.chain import START, next_hash
from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from schemas import events as e
from schemas.envelope import LINE_MAX_BYTES, decode
from schemas.jobtypes import Definition, JobType
from services.jobs.handler import Unavailable
from tests.store.logs import CAUSE, append, job_id, requested
from tests.store.services import claim, define, serving, submit


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


async def check_log(pool: Pool) -> None:
    """The checker of every test here: keys equal lines, positions are contiguous, the chain and the clock hold."""
    async with pool.acquire() as conn:
        for partition, head in (await read.heads(conn)).items():
            rows = await conn.fetch("select * from events where partition = $1 order by position", partition)
            assert [row["position"] for row in rows] == list(range(1, head + 1))
            hash_ = START
            for row in rows:
                hash_ = next_hash(hash_, row["line"])
                assert row["hash"] == hash_
                line = decode(row["line"])
                columns = (line.partition, line.position, line.tenant, line.stream, line.version, line.type)
                assert columns == tuple(row[:6])
                assert (line.recorded_at, str(line.actor)) == (row["recorded_at"], row["actor"])
            assert await conn.fetchval("select hash from heads where partition = $1", partition) == hash_
            times = [row["recorded_at"] for row in rows]
            assert all(one <= next_one for one, next_one in pairwise(times))


async def test_processes_append_side_by_side(database: str, pool: Pool, partitions: int, tenant: str) -> None:
    """Two services (as in two processes) take the same clicks: one job for each, every click on record."""
    tenants = [tenant, f"{tenant}-b", f"{tenant}-c"]
    async with serving(pool, database, partitions) as one, serving(pool, database, partitions) as other:
        for name in tenants:
            await define(one, name, JobType(title="Export"))
        clicks = [(service, name, n) for service in (one, other) for name in tenants for n in range(20)]
        answers = await asyncio.gather(*(submit(service, name, n) for service, name, n in clicks))
        taken = await asyncio.gather(*(claim(service, tenant, 3) for service in (one, other) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200] * 60 + [201] * 60
    held = [each.job.id for answer in taken for each in answer.assignments]
    assert len(held) == len(set(held)) == 20
    await check_log(pool)


async def test_a_batch_is_one_transaction(database: str, pool: Pool, partitions: int, tenant: str) -> None:
    """What arrives while an append runs shares the next one: its events have one clock reading."""
    async with serving(pool, database, partitions) as service:
        await define(service, tenant, JobType(title="Export"))
        await asyncio.gather(*(submit(service, tenant, n) for n in range(100)))
    moments = await pool.fetchval("select count(distinct recorded_at) from events where tenant = $1", tenant)
    assert moments <= 4
    await check_log(pool)


CUT_AT_COMMIT = """create function cut() returns trigger language plpgsql as
        'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
    create constraint trigger cut after insert on events deferrable initially deferred
        for each row execute function cut()"""


async def test_a_cut_connection_leaves_no_gap(database: str, pool: Pool, partitions: int, tenant: str) -> None:
    """Cut in the commit itself: nothing of the batch is there, the caller is told, and the next one takes its place."""
    partition = partition_of(tenant, partitions)
    async with serving(pool, database, partitions) as service:
        await define(service, tenant, JobType(title="Export"))
        await pool.execute(CUT_AT_COMMIT)
        before = await pool.fetchval("select position from heads where partition = $1", partition)
        with pytest.raises(Unavailable):
            await submit(service, tenant, 1)
        await pool.execute("drop function cut cascade")
        assert await pool.fetchval("select position from heads where partition = $1", partition) == before
        answer = await submit(service, tenant, 1)
    assert (answer.status, answer.position) == (201, before + 2)
    await check_log(pool)


async def test_one_version_of_a_stream_can_stand_once(pool: Pool, tenant: str) -> None:
    """The guard behind the head's lock: even a writer that ignores it can't fork a history."""
    job = job_id()
    await append(pool, 0, tenant, [(job, requested(job))])
    fork = """insert into events
        select partition, position + 1000, tenant, stream, version, type, recorded_at, actor, line, hash
        from events where tenant = $1 and version = 1"""
    with pytest.raises(asyncpg.UniqueViolationError, match="events_stream_version"):
        await pool.execute(fork, tenant)
    await check_log(pool)


async def test_streams_of_two_tenants_may_have_one_name(pool: Pool, tenant: str) -> None:
    definition = e.JobTypeDefined(name="export", definition=Definition(title="Export"))
    for name in (tenant, f"{tenant}-b"):
        await append(pool, 0, name, [("type:export", [definition])])
        async with pool.acquire() as conn:
            assert [each.version for each in await read.read_stream(conn, 0, name, "type:export")] == [1]
    await check_log(pool)


async def test_a_line_beyond_the_limit_is_refused(pool: Pool) -> None:
    async with pool.acquire() as conn:
        at = await conn.fetchval("select clock_timestamp()")
    batch = Batch(0, 0, START, at)
    huge = e.ResultStored(result=e.StoredResult(inline={"text": "x" * LINE_MAX_BYTES}))
    with pytest.raises(TooLarge):
        batch.draft("default", job_id(), 0, [huge], CAUSE)
    assert (batch.head, batch.hash, batch.recorded) == (0, START, [])


async def test_a_bug_in_one_command_harms_no_neighbour(
    database: str, pool: Pool, partitions: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(pool, database, partitions) as service:
        await define(service, tenant, JobType(title="Export"))
        spoil(monkeypatch, owner="eve")
        clicks = [submit(service, tenant, n, "eve" if n == 3 else "ann") for n in range(6)]
        answers = await asyncio.gather(*clicks, return_exceptions=True)
    assert [isinstance(answer, ZeroDivisionError) for answer in answers] == [n == 3 for n in range(6)]
    assert await pool.fetchval("select count(*) from jobs where tenant = $1", tenant) == 5
    await check_log(pool)


def spoil(monkeypatch: pytest.MonkeyPatch, owner: str) -> None:
    """A bug of ours that only one owner's commands meet."""
    draft = Batch.draft

    def buggy(self: Batch, tenant: str, stream: str, version: int, events: list[e.Event], cause: object) -> object:
        if any(isinstance(event, e.JobRequested) and event.owner == owner for event in events):
            raise ZeroDivisionError
        return draft(self, tenant, stream, version, events, cause)  # type: ignore[arg-type]

    monkeypatch.setattr(Batch, "draft", buggy)
