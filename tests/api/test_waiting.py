"""Claims that wait, without HTTP around them: what happens where a wake-up or a worker gets lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventstore import read
from eventstore.postgres import Pool
from projections.status.read import read_job
from schemas import requests
from schemas.commands import ClaimJobs, Outcome, SubmitJob
from schemas.ids import uuid7
from schemas.jobtypes import JobType
from schemas.problems import Rejection
from services.waits.workers import Workers
from services.work.waiting import WaitingClaims
from tests.store.services import TYPE, Service, cause, define, serving, submit


@pytest.fixture
async def service(pool: Pool, database: str, tenant: str) -> AsyncIterator[Service]:
    async with serving(pool, database, 1) as service:
        await define(service, tenant, JobType(title="Export"))
        yield service


def claim(tenant: str) -> ClaimJobs:
    return ClaimJobs(tenant=tenant, cause=cause("worker", "w-1"), types=(TYPE,), worker="w-1", max=1)


def jobs_of(answer: Outcome | Rejection) -> list[str]:
    assert isinstance(answer, Outcome)
    return [assignment.job.id for assignment in answer.assignments]


async def test_the_look_finds_what_no_wake_up_told(service: Service, pool: Pool, tenant: str) -> None:
    claims = WaitingClaims(
        service, pool, list(service.tails.values()), Workers(pool, [0], lambda *_: False), net_s=0.05
    )
    claims.stop()  # it hears nothing from here on
    here: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = asyncio.create_task(claims.claim(claim(tenant), 10, here))
    job = (await submit(service, tenant, 1)).job
    assert job
    async with asyncio.timeout(5):
        assert jobs_of(await waiting) == [job.id]
    claims.stop()


async def test_a_job_claimed_for_a_vanished_worker_is_given_back(service: Service, pool: Pool, tenant: str) -> None:
    claims = WaitingClaims(service, pool, list(service.tails.values()), Workers(pool, [0], lambda *_: False), net_s=30)
    job = (await submit(service, tenant, 1)).job
    assert job
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    gone.set_result(None)
    await claims.claim(claim(tenant), 0, gone)
    async with pool.acquire() as conn:
        found = await read_job(conn, 0, tenant, job.id)
    assert found
    assert (found.worker, found.failures) == (None, 0)
    here: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    assert jobs_of(await claims.claim(claim(tenant), 0, here)) == [job.id]
    claims.stop()


@pytest.fixture
async def claims(service: Service, pool: Pool) -> AsyncIterator[WaitingClaims]:
    claims = WaitingClaims(service, pool, list(service.tails.values()), Workers(pool, [0], lambda *_: False), net_s=30)
    yield claims
    claims.stop()


Asked = asyncio.Task[Outcome | Rejection]
Gone = asyncio.Future[None]


async def waiters(claims: WaitingClaims, service: Service, tenant: str, count: int) -> tuple[list[Asked], Gone]:
    """Workers that have found nothing and sleep; and what is set when they go."""
    gone: Gone = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(claims.claim(claim(tenant), 30, gone)) for _ in range(count)]
    while claims.count < count:
        await asyncio.wait(tasks, timeout=0)
    await define(service, tenant, JobType(title="Export"))  # answered after their first looks
    return tasks, gone


def click(tenant: str, n: int) -> SubmitJob:
    body = requests.Submit(type=TYPE, owner="ann", input={"n": n})
    return SubmitJob(tenant=tenant, cause=cause(), job=uuid7(), body=body)


async def test_a_worker_that_waits_gets_a_job_with_the_append_that_accepts_it(
    service: Service, claims: WaitingClaims, pool: Pool, tenant: str
) -> None:
    (waiting,), _ = await waiters(claims, service, tenant, 1)
    job = (await submit(service, tenant, 1)).job
    assert job
    answer = await waiting
    assert isinstance(answer, Outcome)
    (given,) = answer.assignments
    assert (given.job.id, given.input, given.asked) == (job.id, {"n": 1}, None)
    async with pool.acquire() as conn:
        story = await read.read_stream(conn, 0, tenant, job.id)
    assert [each.type for each in story] == ["JobRequested", "JobQueued", "AttemptStarted"]
    assert len({each.recorded_at for each in story}) == 1
    assert await pool.fetchval("select count(*) from queue where tenant = $1", tenant) == 0


async def test_a_repeated_click_wakes_nobody_for_good(service: Service, claims: WaitingClaims, tenant: str) -> None:
    first = (await submit(service, tenant, 1)).job
    assert first
    assert jobs_of(await service.do(claim(tenant))) == [first.id]
    (waiting,), _ = await waiters(claims, service, tenant, 1)
    assert (await submit(service, tenant, 1)).met
    second = (await submit(service, tenant, 2)).job
    assert second
    assert jobs_of(await waiting) == [second.id]


async def test_jobs_that_come_together_go_to_all_who_wait(service: Service, claims: WaitingClaims, tenant: str) -> None:
    waiting, _ = await waiters(claims, service, tenant, 3)
    clicks = [click(tenant, n) for n in range(3)]
    await service.do_all(clicks)
    async with asyncio.timeout(5):
        given = [jobs_of(answer) for answer in await asyncio.gather(*waiting)]
    assert sorted(given) == sorted([each.job] for each in clicks)


async def test_a_full_queue_takes_no_worker_out_of_its_wait(
    service: Service, claims: WaitingClaims, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The submit is turned away, or takes the last place: the worker waits on, and hears of no refusal."""
    (waiting,), _ = await waiters(claims, service, tenant, 1)
    with monkeypatch.context() as full:
        full.setattr(service._appenders[0], "_queue_max", 0)
        assert isinstance(await service.do(click(tenant, 1)), Rejection)
        full.setattr(service._appenders[0], "_queue_max", 1)
        accepted = service.put(wanted := click(tenant, 2))
        await accepted
    assert jobs_of(await waiting) == [wanted.job]


async def test_a_worker_that_goes_as_its_job_comes_gives_it_back(
    service: Service, claims: WaitingClaims, pool: Pool, tenant: str
) -> None:
    (waiting,), gone = await waiters(claims, service, tenant, 1)
    wanted = click(tenant, 1)
    accepted = service.put(wanted)
    gone.set_result(None)
    await asyncio.wait({waiting, accepted})
    async with pool.acquire() as conn:
        story = await read.read_stream(conn, 0, tenant, wanted.job)
    assert [each.type for each in story][2:] == ["AttemptStarted", "AttemptReleased", "JobQueued"]
    assert jobs_of(await service.do(claim(tenant))) == [wanted.job]


async def test_closing_answers_every_waiting_claim(service: Service, pool: Pool, tenant: str) -> None:
    claims = WaitingClaims(service, pool, list(service.tails.values()), Workers(pool, [0], lambda *_: False), net_s=30)
    here: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting = [asyncio.create_task(claims.claim(claim(tenant), 30, here)) for _ in range(3)]
    while claims.count < 3:
        await asyncio.wait(waiting, timeout=0)
    claims.close()
    async with asyncio.timeout(5):
        assert [jobs_of(answer) for answer in await asyncio.gather(*waiting)] == [[], [], []]
    assert claims.count == 0
    claims.stop()
