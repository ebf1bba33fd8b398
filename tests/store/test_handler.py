"""The command handler's faults: a bad command, a full queue and a database that is away harm no neighbour."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import asyncpg
import pytest
from msgspec.structs import replace

from eventstore import read
from eventstore.postgres import Pool
from schemas import requests
from schemas.commands import (
    CancelJob,
    Outcome,
    RetryJob,
    TimeCame,
)
from schemas.job import Job
from schemas.jobtypes import Backoff, JobType, Retry
from schemas.problems import Problem, Rejection
from services.jobs.handler import Unavailable
from services.jobs.service import JobService
from tests.store.asking import (
    EXPORT,
    cancel,
    click,
    history,
    job_of,
    refused,
    retry,
    said,
)
from tests.store.network import network
from tests.store.services import Service, cause, define, serving


async def test_a_command_that_spoils_its_batch_is_refused_alone(service: Service, pool: Pool, tenant: str) -> None:
    """Found only by the database, when all were written: the others are carried out one by one."""
    await define(service, tenant, EXPORT)
    nul = [click(tenant, n, owner="a\0b" if n == 3 else "ann") for n in range(6)]
    no_id = CancelJob(tenant=tenant, cause=cause(), job="no id")
    answers = await asyncio.gather(*(service.do(each) for each in (*nul, no_id)), return_exceptions=True)
    assert [isinstance(answer, Outcome) for answer in answers] == [True, True, True, False, True, True, False]
    assert isinstance(answers[3], asyncpg.PostgresError)
    assert await pool.fetchval("select count(*) from jobs where tenant = $1", tenant) == 5


async def test_many_commands_are_answered_in_their_order(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    unknown = click(tenant, 1, type="orders.import")
    answers = await service.do_all([click(tenant, 1), unknown, click(tenant, 1)])
    assert [answer.status if isinstance(answer, Outcome) else answer.problem for answer in answers] == [
        201, Problem.UNKNOWN_TYPE, 200,
    ]  # fmt: skip


async def test_an_event_that_is_too_large_harms_nobody(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    big, small = await asyncio.gather(service.do(click(tenant, "x" * 600_000)), service.do(click(tenant, 1)))
    assert isinstance(big, Rejection)
    assert big.problem is Problem.TOO_LARGE
    assert isinstance(small, Outcome)


async def test_a_number_that_can_not_be_digested_is_refused(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    big, small = await asyncio.gather(service.do(click(tenant, 2**60)), service.do(click(tenant, 1)))
    assert isinstance(big, Rejection)
    assert (big.problem, [fault.pointer for fault in big.faults]) == (Problem.INVALID, ["/input"])
    assert isinstance(small, Outcome)
    found = await service.find(click(tenant, 2**60))
    assert isinstance(found, Rejection)


async def head_is_held(pool: Pool) -> None:
    """Until an append waits for the head."""
    while not await pool.fetchval("select exists (select from pg_locks where not granted)"):
        pass


async def test_beyond_the_bound_of_the_queue_a_command_is_turned_away(pool: Pool, database: str, tenant: str) -> None:
    service = JobService(pool, database, 1, lambda _, __: None, queue_max=2)
    running = asyncio.create_task(service.run())
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("select from heads for update")
        first = asyncio.ensure_future(service.do(click(tenant)))
        await head_is_held(pool)  # so the first is being appended, and others queue behind it
        behind = [service._appenders[0].put(click(tenant, n)) for n in (1, 2, 3)]
    answers = await asyncio.gather(first, *behind)
    assert [isinstance(each, Rejection) and each.problem for each in answers] == [
        Problem.UNKNOWN_TYPE, Problem.UNKNOWN_TYPE, Problem.UNKNOWN_TYPE, Problem.BUSY,
    ]  # fmt: skip
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_waits_when_the_service_ends_is_told_so(pool: Pool, database: str, tenant: str) -> None:
    """Whether it was saved is not known: sent again with its key, it counts once."""
    service = JobService(pool, database, 1, lambda _, __: None, batch_max=1)
    running = asyncio.create_task(service.run())
    await define(service, tenant, JobType(title="Export"))
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("select from heads for update")
        waiting = asyncio.gather(*(service.do(click(tenant, n)) for n in range(2)), return_exceptions=True)
        await head_is_held(pool)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert [type(answer) for answer in await waiting] == [Unavailable, Unavailable]


async def test_a_database_that_is_away_is_said_and_waited_for(
    pool: Pool, database: str, partitions: int, tenant: str
) -> None:
    async with network(database) as line, serving(pool, line.url, partitions) as service:
        await define(service, tenant, EXPORT)
        line.cut()
        with pytest.raises(Unavailable):
            await service.do(click(tenant, key="k"))
        await line.mend()
        answer = await until_back(lambda: service.do(click(tenant, key="k")))
    assert isinstance(answer, Outcome)
    assert answer.job
    assert answer.job.clicks == 1
    assert await pool.fetchval("select count(*) from jobs where tenant = $1", tenant) == 1


async def until_back(ask: Callable[[], Awaitable[object]]) -> object:
    while True:
        try:
            return await ask()
        except Unavailable:
            continue


async def test_find_says_what_a_click_would_meet_and_appends_nothing(service: Service, pool: Pool, tenant: str) -> None:
    unknown = await service.find(click(tenant))
    assert isinstance(unknown, Rejection)
    assert unknown.problem is Problem.UNKNOWN_TYPE
    await define(service, tenant, JobType(title="Export", retry=Retry(backoff=Backoff(first=0))))
    assert await service.find(click(tenant)) is None
    job = await job_of(service, click(tenant))
    met = await service.find(click(tenant))
    assert met is not None
    assert not isinstance(met, Rejection)
    assert (met.job.id, met.job.clicks, met.same) == (job.id, 1, ("owner", "input", "settings"))
    assert await service.find(click(tenant, again=True)) is None
    assert len(await history(pool, tenant, job.id)) == 2
    async with pool.acquire() as conn:
        log = await read.read(conn, 0, 0, 10_000)
    assert all(one.position + 1 == other.position for one, other in pairwise(log))


@pytest.mark.parametrize("ask", [cancel, retry])
async def test_what_is_asked_of_a_job_of_another_tenant_is_refused(
    service: Service, tenant: str, ask: Callable[[Job], CancelJob | RetryJob]
) -> None:
    await define(service, tenant, EXPORT)
    job = await job_of(service, click(tenant))
    foreign = replace(ask(job), tenant=f"{tenant}-b")
    assert (await refused(service, foreign)).problem is Problem.UNKNOWN_JOB
    for command in (said(job, requests.Heartbeat()), TimeCame(tenant=tenant, cause=cause(), job=job.id)):
        theirs = replace(command, tenant=f"{tenant}-b")
        assert (await refused(service, theirs)).problem is Problem.NOT_FOUND
