"""Promise 2 on a real database: one job for a request, by the type's own rule, and each Idempotency-Key once."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from eventstore.postgres import Pool
from projections.verify import verify
from schemas import requests
from schemas.job import Job
from schemas.jobtypes import Dedupe, JobType
from schemas.problems import Problem
from schemas.states import Phase
from services.jobs.service import JobService
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
    uploaded,
)
from tests.store.services import Service, define, serving


async def test_fifty_clicks_at_once_are_one_job(service: Service, pool: Pool, tenant: str) -> None:
    """Promise 2: every click is on record, one job runs."""
    await define(service, tenant, EXPORT)
    answers = await asyncio.gather(*(done(service, click(tenant)) for _ in range(50)))
    assert Counter(answer.status for answer in answers) == {201: 1, 200: 49}
    jobs = {answer.job.id for answer in answers if answer.job}
    assert len(jobs) == 1
    assert max(answer.job.clicks for answer in answers if answer.job) == 50
    assert Counter(await history(pool, tenant, jobs.pop())) == {
        "JobRequested": 1,
        "JobQueued": 1,
        "RequestRepeated": 49,
    }
    assert all(
        answer.met and answer.met.same == ("owner", "input", "settings") for answer in answers if answer.status == 200
    )


async def test_the_same_file_uploaded_fifty_times_is_one_job(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    uploads = [await uploaded(pool, tenant) for _ in range(50)]
    clicks = [replace(click(tenant, {"upload": u}), uploads={u: "ab" * 32}) for u in uploads]
    answers = await asyncio.gather(*(done(service, each) for each in clicks))
    assert len({answer.job.id for answer in answers if answer.job}) == 1


async def ended(service: JobService, tenant: str) -> Job:
    """The first job's end."""
    (given,) = await taken(service, claiming(tenant))
    return await job_of(service, finish(given.job))


@pytest.mark.parametrize(("rule", "again"), [("while_active", 201), ("10m", 200), ("forever", 200), ("never", 201)])
async def test_the_rule_says_what_a_finished_job_is_to_the_next_click(
    service: Service, pool: Pool, tenant: str, rule: str, again: int
) -> None:
    await define(service, tenant, JobType(title="Export", dedupe=Dedupe(for_=rule)))
    first = await done(service, click(tenant))
    while_active = await done(service, click(tenant))
    assert while_active.status == (201 if rule == "never" else 200)
    for _ in range(1 + (rule == "never")):
        await ended(service, tenant)
    later = await done(service, click(tenant))
    assert later.status == again
    if again == 200:
        assert first.job
        assert (later.job and later.job.id, later.job and later.job.clicks) == (first.job.id, 3)
        assert later.met
        assert later.met.first_at == first.job.created_at
    assert await verify(pool) == []


async def test_a_period_ends(service: Service, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export", dedupe=Dedupe(for_="1s")))
    first = await job_of(service, click(tenant))
    await ended(service, tenant)
    held = await service.find(click(tenant))
    while held is not None:  # found out by asking, as the button does
        held = await service.find(click(tenant))
    assert (await job_of(service, click(tenant))).id != first.id


async def test_a_fresh_run_that_was_wished_for_has_the_key_from_then_on(
    service: Service, pool: Pool, tenant: str
) -> None:
    await define(service, tenant, EXPORT)
    first, second = await job_of(service, click(tenant)), await job_of(service, click(tenant, again=True))
    assert first.id != second.id
    await done(service, cancel(first))
    assert (await job_of(service, click(tenant))).id == second.id
    assert (await refused(service, retry(first))).problem is Problem.NEWER_TWIN
    assert await verify(pool) == []


async def test_a_canceled_job_does_not_hold_its_key(service: Service, tenant: str) -> None:
    await define(service, tenant, JobType(title="Export", dedupe=Dedupe(for_="forever")))
    first = await job_of(service, click(tenant))
    await done(service, cancel(first))
    second = await done(service, click(tenant))
    assert second.status == 201


async def test_a_retried_job_takes_its_key_back(service: Service, pool: Pool, tenant: str) -> None:
    """Else the next click would start a second copy beside it."""
    await define(service, tenant, EXPORT)
    first = await job_of(service, click(tenant))
    await done(service, cancel(first))
    second = await job_of(service, click(tenant))
    await done(service, cancel(second))
    await done(service, retry(first))
    assert (await job_of(service, click(tenant))).id == first.id
    assert await verify(pool) == []


async def test_a_job_that_needs_a_fix_is_what_the_next_click_meets(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    first = await job_of(service, click(tenant))
    (given,) = await taken(service, claiming(tenant))
    await done(service, said(given.job, requests.NeedsFix(text="The file is empty.")))
    met = await done(service, click(tenant))
    assert met.job
    assert (met.status, met.job.id, met.job.phase) == (200, first.id, Phase.ASKING)


async def test_a_type_that_another_process_redefined_counts_at_once(
    service: Service, pool: Pool, database: str, partitions: int, tenant: str
) -> None:
    """The type that this process saw last is out of date when it loads, and it notices."""
    await define(service, tenant, EXPORT)
    first = await job_of(service, click(tenant, settings={"a": 1}))
    async with serving(pool, database, partitions) as other:
        await define(other, tenant, JobType(title="Export", dedupe=Dedupe(same=("owner",))))
        by_owner = await job_of(other, click(tenant, 7))
    assert by_owner.id != first.id
    assert (await job_of(service, click(tenant, 8))).id == by_owner.id


async def test_what_follows_a_definition_in_the_same_moment_goes_by_it(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    by_owner = JobType(title="Export", dedupe=Dedupe(same=("owner",)))
    await define(service, tenant, by_owner)
    first = await job_of(service, click(tenant, 1))
    await define(service, tenant, EXPORT)
    _, second = await asyncio.gather(define(service, tenant, by_owner), job_of(service, click(tenant, 2)))
    assert second.id == first.id


async def test_the_same_key_gives_the_first_answer_with_the_view_of_now(
    service: Service, pool: Pool, tenant: str
) -> None:
    await define(service, tenant, EXPORT)
    first = await done(service, click(tenant, key="k"))
    assert first.job
    await done(service, cancel(first.job))
    replay = await done(service, click(tenant, key="k"))
    assert replay.job
    assert (replay.status, replay.replayed, replay.job.id, replay.job.phase) == (201, True, first.job.id, Phase.STOPPED)
    assert "RequestRepeated" not in await history(pool, tenant, first.job.id)


async def test_the_same_key_twice_in_one_batch_is_one_click(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    answers = await asyncio.gather(*(done(service, click(tenant, key="k")) for _ in range(9)))
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 8}
    assert {answer.job.clicks for answer in answers if answer.job} == {1}
    assert {answer.status for answer in answers} == {201}


async def test_a_key_is_bound_to_its_body_tenant_and_call(service: Service, tenant: str) -> None:
    other = f"{tenant}-b"
    await define(service, tenant, EXPORT)
    await define(service, other, EXPORT)
    first = await job_of(service, click(tenant, key="k"))
    assert (await refused(service, click(tenant, 2, key="k"))).problem is Problem.KEY_REUSED
    assert (await job_of(service, click(other, key="k"))).id != first.id
    (given,) = await taken(service, claiming(tenant, key="k"))
    assert given.job.id == first.id


async def test_a_refusal_is_not_kept(service: Service, tenant: str) -> None:
    assert (await refused(service, click(tenant, key="k"))).problem is Problem.UNKNOWN_TYPE
    await define(service, tenant, EXPORT)
    assert (await done(service, click(tenant, key="k"))).replayed is False


async def test_a_claim_said_again_gives_the_attempts_that_are_still_held(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    for n in range(3):
        await done(service, click(tenant, n))
    first = await taken(service, claiming(tenant, 2, key="k"))
    assert len(first) == 2
    assert await taken(service, claiming(tenant, 2, key="k")) == first
    await done(service, finish(first[0].job))
    assert await taken(service, claiming(tenant, 2, key="k")) == first[1:]


async def test_a_claim_that_found_nothing_leaves_its_key_free(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    assert await taken(service, claiming(tenant, key="k")) == []
    await done(service, click(tenant))
    assert len(await taken(service, claiming(tenant, key="k"))) == 1
