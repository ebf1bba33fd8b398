"""Claims that wait, without HTTP around them: what happens where a wake-up or a worker gets lost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventstore.postgres import Pool
from projections.status.read import read_job
from schemas.commands import ClaimJobs, Outcome
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
