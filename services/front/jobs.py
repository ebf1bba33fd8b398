"""What users' calls ask for: submit, find, get, cancel and retry."""

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from projections.status.read import database_now, read_job, read_job_at
from projections.status.view import plan_view, with_repeat
from schemas import requests
from schemas.commands import CancelJob, Outcome, RetryJob, SubmitJob
from schemas.events import Json
from schemas.ids import is_type_name, is_uuid, uuid7
from schemas.job import Job
from schemas.problems import Fault, Problem, Rejection
from schemas.views import JobView
from services.front.asked import Asked, Reply, accepted, position
from services.front.bodies import in_range, invalid, too_large
from services.front.problems import Refused, not_found, refused
from services.front.uploads import uploads_in

SUBMIT_CALL = "POST /v1/jobs"


async def submit(asked: Asked) -> Reply:
    """A click becomes a job, or meets the one that is there."""
    outcome = accepted(await asked.parts.jobs.do(await submission(asked, SUBMIT_CALL)))
    view = await submitted(asked, outcome)
    return Reply(outcome.status, view, {"Location": f"/v1/jobs/{view.id}", **position(outcome)})


async def find(asked: Asked) -> Reply:
    """What a submit of the same would reopen; nothing is counted."""
    met = await asked.parts.jobs.find(await submission(asked, f"{SUBMIT_CALL}/find"))
    if isinstance(met, Rejection):
        raise Refused(met)
    if met is None:
        return Reply(204, None)
    async with asked.parts.pool.acquire() as conn:
        now = await database_now(conn)
    view = await asked.view(met.job, now)
    met_view = with_repeat(
        view, met.job, asked.language, reopened=True, first_at=met.first_at, now=now, same=list(met.same)
    )
    return Reply(200, met_view)


async def submission(asked: Asked, call: str) -> SubmitJob:
    """The body as a command, after all that can be judged before it is decided."""
    body = checked(asked, await asked.body(requests.Submit), "")
    if not asked.caller.may_use(body.owner):
        raise refused(Problem.FORBIDDEN)
    uploads = await uploads_in(asked, body.input, "/input")
    key = asked.key(call, body, uploads)
    return SubmitJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=uuid7(), body=body, uploads=uploads)


def checked(asked: Asked, body: requests.Submit, at: str) -> requests.Submit:
    """What its form can't say: the type's name, the time, and the size of input and settings together."""
    if not is_type_name(body.type):
        raise invalid(Fault(f"{at}/type", 'must be a type\'s name such as "orders.export"'))
    not_before = in_range(body.not_before, f"{at}/not_before")
    limit = asked.parts.settings.request_max_bytes
    if len(msgspec.json.encode(body.input)) + len(msgspec.json.encode(body.settings)) > limit:
        raise too_large("input", limit, pointer=f"{at}/input")
    return replace(body, not_before=not_before) if not_before else body


async def submitted(asked: Asked, outcome: Outcome) -> JobView:
    """The job as a submit answers it. A replay of a key is no click, so it tells of no repeat."""
    job = job_of(outcome)
    view = await asked.view(job, outcome.at)
    met = outcome.met
    if met is None:
        return replace(view, reopened=False, repeat=None)
    return with_repeat(
        view, job, asked.language, reopened=True, first_at=met.first_at, now=outcome.at, same=list(met.same)
    )


async def get(asked: Asked, job: str, at: datetime | None) -> Reply:
    """A job as it is, or as it was."""
    if not is_uuid(job):
        raise not_found(job)
    if at is None:
        return Reply(200, await asked.view(*await _found(asked, job)))
    async with asked.parts.pool.acquire() as conn:
        then = await read_job_at(conn, asked.partition, asked.tenant, job, at)
    if then is None or not asked.caller.may_use(then.owner):
        raise not_found(job)
    return Reply(200, await asked.past_view(then, at))


async def _found(asked: Asked, job: str) -> tuple[Job, datetime]:
    """As it is now. Raises Refused (404) where the caller has none of this id."""
    read = await asked.parts.lookup.job(asked.partition, asked.tenant, job)
    if read is None or not asked.caller.may_use(read[0].owner):
        raise not_found(job)
    return read


async def known_job(asked: Asked, job: str) -> str:
    """The job that a call is about, if it is one of this tenant's: before anything else is looked at."""
    if not is_uuid(job):
        raise not_found(job)
    await _found(asked, job)
    return job


def cancel_call(job: str) -> str:
    return f"{SUBMIT_CALL}/{job}/cancel"


async def cancel(asked: Asked, job: str, body: requests.Cancel) -> Reply:
    """Stop a job; asked twice it is the same."""
    key = asked.key(cancel_call(job), body)
    return await _changed(
        asked, await asked.parts.jobs.do(CancelJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=job))
    )


async def retry(asked: Asked, job: str, body: requests.Retry) -> Reply:
    """Another run of the same job. Where it must be confirmed first, the refusal carries the plan."""
    command = await retrial(asked, job, body)
    return await _changed(asked, await with_plan(asked, job, await asked.parts.jobs.do(command)))


async def retrial(asked: Asked, job: str, body: requests.Retry) -> RetryJob:
    """The body as a command, after all that can be judged before it is decided."""
    uploads = await uploads_in(asked, body.input, "/input")
    _check_size(asked, body.input)
    key = asked.key(f"{SUBMIT_CALL}/{job}/retry", body, uploads)
    return RetryJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=job, body=body, uploads=uploads)


def _check_size(asked: Asked, input_: Json) -> None:
    limit = asked.parts.settings.request_max_bytes
    if len(msgspec.json.encode(input_)) > limit:
        raise too_large("input", limit, pointer="/input")


async def with_plan(asked: Asked, job: str, outcome: Outcome | Rejection) -> Outcome | Rejection:
    """A refusal that was decided by a plan tells it in words."""
    if not isinstance(outcome, Rejection) or "plan" not in outcome.extra:
        return outcome
    decided = msgspec.convert(outcome.extra["plan"], DecidedPlan)
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job)
    if found is None:
        return Rejection(Problem.NOT_FOUND, {"name": job})
    plan = plan_view(found, decided.scope, decided.ids, asked.language, decided.digest)
    return replace(outcome, extra={**outcome.extra, "plan": msgspec.to_builtins(plan)})


class DecidedPlan(Struct, frozen=True):
    """What `decide_retry` says of the plan that it judged by."""

    scope: str
    ids: list[str]
    digest: str


async def _changed(asked: Asked, answer: Outcome | Rejection) -> Reply:
    outcome = accepted(answer)
    return Reply(outcome.status, await asked.view(job_of(outcome), outcome.at), position(outcome))


def job_of(outcome: Outcome) -> Job:
    if outcome.job is None:
        raise not_found("job")
    return outcome.job
