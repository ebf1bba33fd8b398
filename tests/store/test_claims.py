"""Claims on a real database: one worker for an attempt, in order, within the limits."""

import asyncio

import pytest

from eventstore.postgres import Pool
from projections.verify import verify
from schemas import requests
from schemas.commands import TimeCame
from schemas.job import Job
from schemas.jobtypes import JobType, Limits, Retry
from schemas.problems import Problem
from tests.store.asking import (
    EXPORT,
    cancel,
    claiming,
    click,
    done,
    finish,
    history,
    job_of,
    refused,
    retry,
    said,
    taken,
)
from tests.store.services import Service, cause, define, serving


async def test_two_hundred_claimers_never_share_an_attempt(
    service: Service, pool: Pool, database: str, partitions: int, tenant: str
) -> None:
    await define(service, tenant, EXPORT)
    await asyncio.gather(*(done(service, click(tenant, n)) for n in range(150)))
    async with serving(pool, database, partitions) as other:
        both = [taken((service, other)[n % 2], claiming(tenant, worker=f"w-{n}")) for n in range(200)]
        given = [each for assignments in await asyncio.gather(*both) for each in assignments]
    assert len(given) == 150
    assert len({each.job.id for each in given}) == 150
    assert await pool.fetchval("select count(*) from leases where tenant = $1", tenant) == 150


async def test_the_higher_priority_and_then_the_older_goes_first(service: Service, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export", priority=1))
    wanted = [(0, None), (1, -5), (2, 9), (3, None), (4, 9)]
    for n, priority in wanted:
        await done(service, click(tenant, n, priority=priority))
    given = await taken(service, claiming(tenant, 9))
    assert [each.input for each in given] == [{"n": n} for n in (2, 4, 0, 3, 1)]


LIMITS: list[tuple[Limits, list[str], int]] = [
    (Limits(per_tenant=2), ["ann", "bea", "cid"], 2),
    (Limits(per_owner=1), ["ann", "ann", "bea"], 2),
    (Limits(total=2), ["ann", "bea", "cid"], 2),
]


@pytest.mark.parametrize(("limits", "owners", "most"), LIMITS)
async def test_limits_count_live_leases(
    service: Service, pool: Pool, tenant: str, limits: Limits, owners: list[str], most: int
) -> None:
    """A slot is free again the moment its attempt ends, however it ends."""
    await pool.execute("delete from leases")
    await define(service, tenant, JobType(title="Export", limits=limits, retry=Retry(attempts=9)))
    for n, owner in enumerate(owners):
        await done(service, click(tenant, n, owner=owner))
    held = await taken(service, claiming(tenant, 9))
    assert len(held) == most
    assert await taken(service, claiming(tenant, 9)) == []
    await done(service, said(held[0].job, requests.Release()))
    (again,) = await taken(service, claiming(tenant, 9))
    await expire(pool, again.job)
    await done(service, TimeCame(tenant=tenant, cause=cause(), job=again.job.id))
    (lost,) = await taken(service, claiming(tenant, 9))
    assert (await job_of(service, cancel(lost.job))).cancel_asked
    assert await taken(service, claiming(tenant, 9)) == []
    await done(service, said(lost.job, requests.Release()))
    (last,) = await taken(service, claiming(tenant, 9))
    await done(service, finish(last.job))
    assert (await pool.fetchval("select count(*) from leases where tenant = $1", tenant)) == most - 1


async def expire(pool: Pool, job: Job) -> None:
    await pool.execute("update leases set expires_at = clock_timestamp() where job = $1", job.id)


async def test_a_job_for_later_is_not_given_early(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    now = await pool.fetchval("select clock_timestamp() + interval '1 hour'")
    await done(service, click(tenant, not_before=now))
    assert await taken(service, claiming(tenant)) == []
    await pool.execute("update queue set ready_at = clock_timestamp() where tenant = $1", tenant)
    assert await taken(service, claiming(tenant)) == []  # the job itself says when
    await pool.execute("update queue set ready_at = $2 where tenant = $1", tenant, now)


async def test_what_is_given_back_is_given_again(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    await done(service, click(tenant))
    (first,) = await taken(service, claiming(tenant))
    await done(service, said(first.job, requests.Release()))
    (second,) = await taken(service, claiming(tenant, worker="w-2"))
    assert (second.job.id, second.job.attempt, second.job.failures) == (first.job.id, 2, 0)
    assert (await refused(service, finish(first.job))).problem is Problem.LEASE_OUTDATED
    await done(service, finish(second.job))


async def test_a_retry_of_failed_items_gives_exactly_those(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    await done(service, click(tenant))
    (first,) = await taken(service, claiming(tenant))
    await done(service, said(first.job, requests.Progress(done=10, total=10)))
    bad = [requests.ItemReport(row=row, column="email", reason="is missing", value={"n": row}) for row in (7, 3)]
    await done(service, said(first.job, requests.Problems(items=bad)))
    await done(service, finish(first.job))
    await done(service, retry(first.job, scope="failed_items", input={"rows": 2}))
    (second,) = await taken(service, claiming(tenant))
    assert second.input == {"rows": 2}
    assert [(item["row"], item["column"], item["value"]) for item in second.items] == [
        (3, "email", {"n": 3}),
        (7, "email", {"n": 7}),
    ]
    await done(service, said(second.job, requests.Problems(items=bad[:1])))
    closed = await job_of(service, finish(second.job))
    assert closed.ledger
    assert (closed.ledger.ready, closed.ledger.failed, closed.ledger.open) == (9, 1, 0)
    await done(service, retry(first.job, scope="failed_items"))
    (third,) = await taken(service, claiming(tenant))
    assert (third.input, [item["row"] for item in third.items]) == ({"n": 0}, [7])
    assert await verify(pool) == []


async def test_progress_within_a_second_is_kept_and_told_when_it_is_over(
    service: Service, pool: Pool, tenant: str
) -> None:
    await define(service, tenant, EXPORT)
    await done(service, click(tenant))
    (given,) = await taken(service, claiming(tenant))
    for n in range(1, 6):
        await done(service, said(given.job, requests.Progress(done=n, total=10)))
    told = await history(pool, tenant, given.job.id)
    assert told.count("ProgressReported") < 5
    await pool.execute("update leases set pending_at = clock_timestamp() where job = $1", given.job.id)
    job = await job_of(service, TimeCame(tenant=tenant, cause=cause(), job=given.job.id))
    assert job.progress
    assert job.progress.done == 5
    pending = await pool.fetchrow("select pending, pending_at from leases where job = $1", given.job.id)
    assert pending
    assert tuple(pending) == (None, None)
