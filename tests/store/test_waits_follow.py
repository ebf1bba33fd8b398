"""What was learnt, at hand in memory: live, from a snapshot on and anew it is the same, byte for byte."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from eventstore import read
from eventstore.postgres import Pool
from eventstore.tail import Tail
from projections.waits import learnt, snapshots
from projections.waits.follow import Follower, Snapshots, read_places
from projections.waits.learnt import Learnt
from projections.waits.places import Places
from schemas import requests
from schemas.commands import Assignment, CancelJob, ClaimJobs, DefineType, Outcome, ReportWork, RetryJob, SubmitJob
from schemas.events import StoredResult
from schemas.ids import uuid7
from schemas.jobtypes import JobType, Limits
from services.waits.waits import Waits
from tests.store.services import TYPE, Service, cause, claim, define, serving, submit

OTHER = "notes.summarize"


@pytest.fixture
async def service(pool: Pool, database: str) -> AsyncIterator[Service]:
    async with serving(pool, database, 1) as service:
        yield service


@asynccontextmanager
async def following(pool: Pool, tail: Tail) -> AsyncIterator[Follower]:
    follower = Follower(pool, tail)
    task = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(20):
            await follower.caught_up.wait()
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def busy(service: Service, tenant: str, steps: int, seed: int = 1) -> None:
    """A tenant's life: clicks, claims, results, failures, cancels and retries, in any order."""
    chance = random.Random(seed)
    held: list[Assignment] = []
    known: list[str] = []
    for step in range(steps):
        do = chance.random()
        if do < 0.45:
            outcome = await submit(service, tenant, step, f"o{chance.randrange(3)}")
            assert outcome.job
            known.append(outcome.job.id)
        elif do < 0.65:
            held += (await claim(service, tenant, chance.randrange(1, 4))).assignments
        elif do < 0.85 and held:
            job = held.pop(chance.randrange(len(held))).job
            body = chance.choice(
                [
                    requests.Finish(result=requests.UploadedResult(upload=uuid7())),
                    requests.Fail(reason="r", retryable=False),
                ]
            )
            result = StoredResult(inline={}) if isinstance(body, requests.Finish) else None
            command = ReportWork(
                tenant=tenant,
                cause=cause("worker", "w-1"),
                job=job.id,
                run=job.run,
                attempt=job.attempt,
                body=body,
                result=result,
            )
            await service.do(command)
        elif do < 0.92 and known:
            await service.do(CancelJob(tenant=tenant, cause=cause(), job=chance.choice(known)))
        elif known:
            retry = requests.Retry(scope="all", confirm=True)
            await service.do(RetryJob(tenant=tenant, cause=cause(), job=chance.choice(known), body=retry))


async def anew(pool: Pool, upto: int) -> Learnt:
    known = Learnt()
    async with pool.acquire() as conn:
        while known.position < upto:
            for recorded in await read.read(conn, 0, known.position, upto - known.position):
                learnt.learn(known, recorded)
    return known


async def test_live_equals_rebuilt_byte_for_byte(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export"))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 150)
        assert follower.known.position == service.tails[0].position
        assert learnt.encode(follower.known) == learnt.encode(await anew(pool, follower.known.position))
        assert learnt.encode(learnt.decode(learnt.encode(follower.known))) == learnt.encode(follower.known)


async def test_a_restart_goes_on_from_the_snapshot(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export"))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 80)
        keeper = Snapshots(pool, {0: follower}, every_s=60, every_events=1)
        await keeper.keep()
        kept = follower.known.position
    async with pool.acquire() as conn:
        assert await snapshots.position(conn, 0) == kept
        written = await snapshots.find(conn, 0)
    await busy(service, tenant, 80, seed=2)
    async with following(pool, service.tails[0]) as again:
        assert again.known.position == service.tails[0].position > kept
        assert learnt.encode(again.known) == learnt.encode(await anew(pool, again.known.position))
        assert written.position == kept
        async with pool.acquire() as conn:
            assert not await snapshots.differs(conn, 0)


async def test_an_older_snapshot_never_takes_a_newer_ones_place(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export"))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 10)
        async with pool.acquire() as conn:
            await snapshots.keep(conn, 0, follower.known)
            await snapshots.keep(conn, 0, Learnt(position=1))
            assert await snapshots.position(conn, 0) == follower.known.position


async def test_what_other_code_has_learnt_is_learnt_anew(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export"))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 20)
        async with pool.acquire() as conn:
            await snapshots.keep(conn, 0, follower.known)
            await conn.execute("update waits_snapshots set form = 'another', learnt = 'x'")
            assert await snapshots.position(conn, 0) == 0
        async with following(pool, service.tails[0]) as again:
            assert learnt.encode(again.known) == learnt.encode(follower.known)


async def test_a_snapshot_that_is_not_what_the_log_teaches_is_found(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export"))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 20)
        wrong = learnt.decode(learnt.encode(follower.known))
        wrong.model.numbers += 1
        async with pool.acquire() as conn:
            await conn.execute("delete from waits_snapshots")
            await snapshots.keep(conn, 0, wrong)
            assert await snapshots.differs(conn, 0)
            await conn.execute("delete from waits_snapshots")


def shape(places: Places) -> object:
    """Lines, counts and limits, without what only a running process can know."""
    return (
        {kind: list(line) for kind, line in places._lines.items() if line},
        dict(places._of_kind),
        dict(places._running),
        dict(places._limits),
    )


@pytest.mark.parametrize("seed", range(3))
async def test_places_are_those_of_the_tables(service: Service, pool: Pool, tenant: str, seed: int) -> None:
    await define(service, tenant, JobType(title="Export", limits=Limits(per_owner=2)))
    async with following(pool, service.tails[0]) as follower:
        await busy(service, tenant, 200, seed)
        await follower._look_up()
        async with pool.acquire() as conn:
            fresh, position = await read_places(conn, 0)
        assert position == follower.known.position
        assert shape(follower.places) == shape(fresh)


async def test_ahead_is_the_order_of_claiming(service: Service, pool: Pool, tenant: str) -> None:
    """Across priorities and the types that a worker takes: who is told so many go before gets claimed so late."""
    chance = random.Random(5)
    await define(service, tenant, JobType(title="Export"))
    kind = JobType(title="Summaries", priority=1)
    await service.do(DefineType(tenant=tenant, cause=cause("service"), name=OTHER, definition=kind))
    waits = Waits(pool, service.tails)
    task = asyncio.create_task(waits.run())
    try:
        async with asyncio.timeout(20):
            await waits.followers[0].caught_up.wait()
        waits.workers.asks(tenant, "w-1", (TYPE, OTHER))
        told = {}
        for n in range(30):
            name, priority = chance.choice([TYPE, OTHER]), chance.choice([None, -5, 0, 5])
            body = requests.Submit(type=name, owner="ann", input={"n": n}, priority=priority)
            outcome = await service.do(SubmitJob(tenant=tenant, cause=cause(), job=uuid7(), body=body))
            assert isinstance(outcome, Outcome)
            assert outcome.job
            told[outcome.job.id] = outcome.job
        now = await pool.fetchval("select clock_timestamp()")
        moments = {job.id: waits.moment(job, now) for job in told.values()}
        order = []
        for _ in told:
            command = ClaimJobs(tenant=tenant, cause=cause("worker", "w-1"), types=(TYPE, OTHER), worker="w-1", max=1)
            outcome = await service.do(command)
            assert isinstance(outcome, Outcome)
            order.append(outcome.assignments[0].job.id)
        aheads = [reason.ahead for job in order if (reason := moments[job].reason)]
        assert aheads == list(range(30))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
