"""The command handler on a real database: one job for a request, one worker for an attempt, no neighbour's fault."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from eventstore import read
from eventstore.postgres import Pool
from projections.verify import verify
from schemas import requests
from schemas.commands import (
    Assignment,
    CancelJob,
    ClaimJobs,
    Command,
    IdempotencyKey,
    Outcome,
    ReportWork,
    RetryJob,
    SubmitJob,
    TimeCame,
)
from schemas.events import Json, StoredResult
from schemas.ids import uuid7
from schemas.job import Job
from schemas.jobtypes import Backoff, Dedupe, JobType, Limits, Retry
from schemas.problems import Problem, Rejection
from schemas.states import Phase
from services.jobs.handler import Unavailable
from services.jobs.service import JobService
from tests.store.network import network
from tests.store.services import TYPE, Service, cause, define, serving

EXPORT = JobType(title="Export")
FILE = StoredResult(upload="0193a5b0-0000-7000-8000-0000000000ff", size=3, sha256="ab" * 32)


@pytest.fixture
async def service(pool: Pool, database: str, partitions: int) -> AsyncIterator[Service]:
    async with serving(pool, database, partitions) as service:
        yield service


def click(tenant: str, n: Json = 0, *, key: str | None = None, **fields: object) -> SubmitJob:
    known: dict[str, object] = {"type": TYPE, "owner": "ann", "input": {"n": n}, **fields}
    body = requests.Submit(**known)  # type: ignore[arg-type]  # named like its fields
    bound = IdempotencyKey("POST /v1/jobs", key, msgspec.json.encode(body)) if key else None
    return SubmitJob(tenant=tenant, cause=cause(), key=bound, job=uuid7(), body=body)


def claiming(tenant: str, most: int = 1, *, worker: str = "w-1", key: str | None = None) -> ClaimJobs:
    bound = IdempotencyKey("POST /v1/work/claim", key, worker.encode()) if key else None
    return ClaimJobs(tenant=tenant, cause=cause("worker", worker), key=bound, types=(TYPE,), worker=worker, max=most)


def said(job: Job, body: requests.Body, result: StoredResult | None = None) -> ReportWork:
    by = cause("worker", "w-1")
    return ReportWork(
        tenant=job.tenant, cause=by, job=job.id, run=job.run, attempt=job.attempt, body=body, result=result
    )


def finish(job: Job) -> ReportWork:
    return said(job, requests.Finish(result=requests.UploadedResult(upload="u")), FILE)


def cancel(job: Job) -> CancelJob:
    return CancelJob(tenant=job.tenant, cause=cause(), job=job.id)


async def done(service: JobService, command: Command) -> Outcome:
    answer = await service.do(command)
    assert isinstance(answer, Outcome), answer
    return answer


async def job_of(service: JobService, command: Command) -> Job:
    job = (await done(service, command)).job
    assert job
    return job


async def taken(service: JobService, command: ClaimJobs) -> list[Assignment]:
    return list((await done(service, command)).assignments)


async def history(pool: Pool, tenant: str, job: str, partition: int = 0) -> list[str]:
    async with pool.acquire() as conn:
        return [told.type for told in await read.read_stream(conn, partition, tenant, job)]


async def refused(service: JobService, command: Command) -> Rejection:
    answer = await service.do(command)
    assert isinstance(answer, Rejection), answer
    return answer


# One job for a request


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


async def test_the_same_file_uploaded_fifty_times_is_one_job(service: Service, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    uploads = [uuid7() for _ in range(50)]
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


def retry(job: Job, **body: object) -> RetryJob:
    asked = requests.Retry(**body)  # type: ignore[arg-type]  # named like its fields
    return RetryJob(tenant=job.tenant, cause=cause(), job=job.id, body=asked)


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


# Idempotency keys


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


# Claims


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


# Faults


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
