"""The orchestrator: each job's time is told once, at its moment, by however many of them; nothing makes it spin."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from schemas import events as e
from schemas.commands import TimeCame
from schemas.envelope import time_text
from schemas.jobtypes import JobType
from services.jobs.handler import Unavailable
from services.work import timers as timers_module
from services.work.rests import MOST_S, Rests
from services.work.timers import Timers
from tests.background import beside
from tests.store.logs import append, job_id, requested
from tests.store.services import Service, claim, define, serving, submit

WAIT_S = 15


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


def timers_of(pool: Pool, service: Service) -> Timers:
    return Timers(pool, service.do, service.tails, idempotency_keep_s=3600)


@asynccontextmanager
async def working(*timers: Timers) -> AsyncIterator[None]:
    async with beside(*(each.run() for each in timers)):
        yield


async def seen(service: Service, partition: int, kind: type[e.Event], count: int = 1) -> None:
    """Until so many events of a kind were appended."""
    left, done = [count], asyncio.Event()

    def look(recorded: object) -> None:
        assert isinstance(recorded, list)
        left[0] -= sum(isinstance(each.data, kind) for each in recorded)
        if left[0] <= 0:
            done.set()

    stop = service.tails[partition].subscribe(look)
    async with asyncio.timeout(WAIT_S):
        await done.wait()
    stop()


async def due(pool: Pool, partition: int, tenant: str, count: int, ago_s: float = 1) -> list[str]:
    """Jobs whose time to be queued came a while ago."""
    now = await pool.fetchval("select clock_timestamp()")
    jobs = [job_id() for _ in range(count)]
    later = e.JobQueued(run=1, ready_at=time_text(now - timedelta(seconds=ago_s)), waits=True)
    await append(pool, partition, tenant, [(job, [requested(job)[0], later]) for job in jobs])
    return jobs


async def long_ready(pool: Pool, partition: int, tenant: str, count: int) -> list[str]:
    """Jobs that nobody has taken for long, before all of other tests. The first has waited longest."""
    now = await pool.fetchval("select clock_timestamp()")
    jobs = [job_id() for _ in range(count)]
    for n, job in enumerate(jobs):
        queued = e.JobQueued(run=1, ready_at=time_text(now - timedelta(seconds=10_000 - n)))
        await append(pool, partition, tenant, [(job, [requested(job)[0], queued])])
    return jobs


async def history(pool: Pool, job: str) -> list[str]:
    rows = await pool.fetch("select type from events where stream = $1 order by version", job)
    return [row["type"] for row in rows]


async def test_a_lost_worker_is_found_by_its_lease(pool: Pool, service: Service, partitions: int, tenant: str) -> None:
    """An append makes the next due moment earlier: the sleeping orchestrator is woken, and no look is due before."""
    timers = Timers(pool, service.do, service.tails, idempotency_keep_s=3600, net_s=3600)
    lost = asyncio.create_task(seen(service, partition_of(tenant, partitions), e.AttemptLost))
    async with working(timers):
        await define(service, tenant, JobType(title="Export", lease=0.5))
        job = (await submit(service, tenant, 1)).job
        await claim(service, tenant)
        await lost
    assert job
    assert "AttemptLost" in await history(pool, job.id)


async def test_two_orchestrators_never_act_twice(
    pool: Pool, database: str, service: Service, partitions: int, tenant: str
) -> None:
    partition = partition_of(tenant, partitions)
    jobs = await due(pool, partition, tenant, 40)
    async with serving(pool, database, partitions) as other:
        both = timers_of(pool, service), timers_of(pool, other)
        await asyncio.gather(*(timers.tell() for timers in both for _ in range(2)))
    for job in jobs:
        assert await history(pool, job) == ["JobRequested", "JobQueued", "JobQueued"]


async def test_what_stays_due_is_told_ever_more_rarely(
    pool: Pool, service: Service, partitions: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler that changes nothing: told once, once more with a warning, then not at every look."""
    told: list[str] = []

    async def ignore(command: TimeCame) -> None:
        if command.tenant == tenant:
            told.append(command.job)

    monkeypatch.setattr(timers_module, "PAGE", 2)
    timers = Timers(pool, ignore, service.tails, idempotency_keep_s=3600)
    jobs = await due(pool, partition_of(tenant, partitions), tenant, 5)
    for _ in range(20):
        await timers.tell()
    assert sorted(told) == sorted(jobs * 2)


async def test_stuck_jobs_hide_nobody_behind_them(
    pool: Pool, service: Service, partitions: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More jobs than a page stay due, one of them by a bug; a later one is told all the same."""
    partition = partition_of(tenant, partitions)
    stuck = await due(pool, partition, tenant, 5, ago_s=10)

    async def do(command: TimeCame) -> object:
        if command.job == stuck[0]:
            raise ZeroDivisionError
        return None if command.job in stuck else await service.do(command)

    monkeypatch.setattr(timers_module, "PAGE", 2)
    timers = Timers(pool, do, service.tails, idempotency_keep_s=3600)
    await timers.tell()
    [job] = await due(pool, partition, tenant, 1)
    await timers.tell()
    assert await history(pool, job) == ["JobRequested", "JobQueued", "JobQueued"]
    await timers_of(pool, service).tell()


async def test_a_database_that_is_away_is_waited_for(
    pool: Pool, service: Service, partitions: int, tenant: str
) -> None:
    partition = partition_of(tenant, partitions)
    fails = [3]

    async def do(command: TimeCame) -> object:
        if fails[0]:
            fails[0] -= 1
            raise Unavailable
        return await service.do(command)

    queued = asyncio.create_task(seen(service, partition, e.JobQueued))
    [job] = await due(pool, partition, tenant, 1)
    async with working(Timers(pool, do, service.tails, idempotency_keep_s=3600)):
        await queued
    assert fails == [0]
    assert await history(pool, job) == ["JobRequested", "JobQueued", "JobQueued"]


async def test_who_has_waited_for_long_is_told_in_turn_and_holds_up_nobody(
    pool: Pool, service: Service, partitions: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many at once: a page of them, then a rest, in which all else that is due is told."""
    partition = partition_of(tenant, partitions)
    waiting = await long_ready(pool, partition, tenant, 5)
    told: list[str] = []
    clock = [0.0]

    async def do(command: TimeCame) -> object:
        if command.tenant == tenant:
            told.append(command.job)
            clock[0] += command.job in waiting
        return await service.do(command)

    monkeypatch.setattr(timers_module, "WAITING_PAGE", 2)
    timers = Timers(pool, do, service.tails, idempotency_keep_s=3600, rests=Rests(lambda: clock[0], lambda: 0.0))
    await timers.tell()
    assert sorted(told) == sorted(waiting[:2])
    [paused] = await due(pool, partition, tenant, 1)
    await timers.tell()
    assert told[2:] == [paused]
    for _ in range(4):
        clock[0] += MOST_S
        await timers.tell()
    assert sorted(told) == sorted([*waiting, paused])
    for job in waiting:
        assert await history(pool, job) == ["JobRequested", "JobQueued", "JobDelayed"]


async def test_old_idempotency_keys_are_forgotten(
    pool: Pool, service: Service, partitions: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers_module, "PURGE_BATCH", 3)
    put = """insert into idempotency (partition, tenant, call, key, body, status, position, at)
        select $1, $2, 'POST /v1/jobs', n::text, '', 201, 1, clock_timestamp() - make_interval(mins => n * 10)
        from generate_series(1, 15) n"""
    for partition in range(partitions):
        await pool.execute(put, partition, tenant)
    await timers_of(pool, service).purge()
    rows = await pool.fetch("select partition, key from idempotency where tenant = $1", tenant)
    kept = {(partition, str(n)) for partition in range(partitions) for n in range(1, 6)}
    assert {(row["partition"], row["key"]) for row in rows} == kept
