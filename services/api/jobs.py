"""The calls that ask for something: submit, find, batch, cancel and retry."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from eventstore.read import head
from projections.status.read import database_now, failed_ids, is_job, read_job
from projections.status.view import plan_view, with_repeat
from schemas import requests
from schemas.commands import CancelJob, IdempotencyKey, Outcome, RetryJob, SubmitJob
from schemas.envelope import Cause
from schemas.events import Json
from schemas.ids import is_type_name, uuid7
from schemas.job import Job
from schemas.problems import Fault, Problem, Rejection
from schemas.views import JobView, Plan
from services.api.bodies import convert, in_range, invalid, too_large
from services.api.calls import Asked, Call, Query, accepted, answer, not_found, position, read_as
from services.api.keyed import body_digest, idempotency_key
from services.api.problems import ProblemBody, Refused, prefixed, problem_body
from services.api.uploads import named_uploads, unknown_uploads, uploads_sha256
from services.jobs.decide import decide_retry
from services.jobs.plan import plan_digest

SCOPE_QUERY = Query("scope", "What runs again", {"type": "string", "enum": ["all", "failed_items"], "default": "all"})


class BatchAnswer(Struct, frozen=True, omit_defaults=True):
    """One job of a batch: `job` where it was taken, else `problem`."""

    status: int
    job: JobView | None = None
    problem: ProblemBody | None = None


class BatchAnswers(Struct, frozen=True):
    """In the order of the request."""

    answers: list[BatchAnswer]


async def submit(asked: Asked) -> Response:
    """A click becomes a job, or meets the one that is there."""
    outcome = accepted(await asked.parts.jobs.do(await _submission(asked, "POST /v1/jobs")))
    view = _submitted(asked, outcome)
    return answer(view, outcome.status, {"Location": f"/v1/jobs/{view.id}", **position(outcome)})


async def find(asked: Asked) -> Response:
    """What a submit of the same would reopen; nothing is counted."""
    met = await asked.parts.jobs.find(await _submission(asked, "POST /v1/jobs/find"))
    if isinstance(met, Rejection):
        raise Refused(met)
    if met is None:
        return Response(status_code=204)
    async with asked.parts.pool.acquire() as conn:
        now = await database_now(conn)
    view = asked.view(met.job, now)
    met_view = with_repeat(
        view, met.job, asked.language, reopened=True, first_at=met.first_at, now=now, same=list(met.same)
    )
    return answer(met_view)


async def _submission(asked: Asked, call: str) -> SubmitJob:
    raw = await asked.raw()
    body = checked(asked, read_as(raw, requests.Submit), "")
    named = list(named_uploads(body.input, "/input"))
    uploads = await uploads_sha256(asked, (each for _, each in named))
    if missing := unknown_uploads(named, uploads):
        raise Refused(missing)
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


def _submitted(asked: Asked, outcome: Outcome) -> JobView:
    """The job as a submit answers it. A replay of a key is no click, so it tells of no repeat."""
    job = job_of(outcome)
    view = asked.view(job, outcome.at)
    met = outcome.met
    if met is None:
        return replace(view, reopened=False, repeat=None)
    return with_repeat(
        view, job, asked.language, reopened=True, first_at=met.first_at, now=outcome.at, same=list(met.same)
    )


async def batch(asked: Asked) -> Response:
    """Many jobs in one call; each is judged by itself, and a bad one never refuses its neighbours."""
    settings = asked.parts.settings
    raw = await asked.raw(settings.batch_body_max_bytes)
    items = read_as(raw, requests.Batch).jobs
    if len(items) > settings.batch_max_jobs:
        raise too_large("jobs", settings.batch_max_jobs, "jobs", "/jobs")
    key, cause = idempotency_key(asked.request), asked.cause()
    bodies = [_item(asked, item, f"/jobs/{n}") for n, item in enumerate(items)]
    named = [[] if isinstance(body, Rejection) else _named(body, n) for n, body in enumerate(bodies)]
    uploads = await uploads_sha256(asked, (each for found in named for _, each in found))
    judged = [unknown_uploads(found, uploads) or body for found, body in zip(named, bodies, strict=True)]
    commands = {
        n: _item_command(asked, body, uploads, cause, None if key is None else f"{key}#{n}")
        for n, body in enumerate(judged)
        if isinstance(body, requests.Submit)
    }
    outcomes = await asked.parts.jobs.do_all(list(commands.values()))
    done: dict[int, Outcome | Rejection] = {n: body for n, body in enumerate(judged) if isinstance(body, Rejection)}
    done |= dict(zip(commands, outcomes, strict=True))
    answers = [_item_answer(asked, done[n], f"/jobs/{n}") for n in range(len(items))]
    return answer(BatchAnswers(answers), 200, await last_position(asked, outcomes))


def _item(asked: Asked, item: Json, at: str) -> requests.Submit | Rejection:
    try:
        return checked(asked, convert(item, requests.Submit, at), at)
    except Refused as refusal:
        return refusal.rejection


def _named(body: requests.Submit, n: int) -> list[tuple[str, str]]:
    return list(named_uploads(body.input, f"/jobs/{n}/input"))


def _item_command(
    asked: Asked, body: requests.Submit, uploads: dict[str, str], cause: Cause, key: str | None
) -> SubmitJob:
    kept = None if key is None else IdempotencyKey("POST /v1/jobs/batch", key, body_digest(body, uploads))
    return SubmitJob(tenant=asked.tenant, cause=cause, key=kept, job=uuid7(), body=body, uploads=uploads)


def _item_answer(asked: Asked, outcome: Outcome | Rejection, at: str) -> BatchAnswer:
    if isinstance(outcome, Rejection):
        return BatchAnswer(outcome.problem.status, problem=problem_body(prefixed(outcome, at), asked.language))
    return BatchAnswer(outcome.status, job=_submitted(asked, outcome))


async def last_position(asked: Asked, outcomes: Sequence[Outcome | Rejection]) -> dict[str, str]:
    """Tidings-Position of an answer to many commands: the last of theirs, or the log's end where all were refused."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    if done:
        return position(max(done, key=lambda outcome: outcome.position))
    async with asked.parts.pool.acquire() as conn:
        return {"Tidings-Position": f"{asked.partition}:{await head(conn, asked.partition)}"}


async def cancel(asked: Asked) -> Response:
    """Stop a job; asked twice it is the same."""
    job = await _named_job(asked)
    body = await asked.body(requests.Cancel)
    key = asked.key(f"POST /v1/jobs/{job}/cancel", body)
    outcome = accepted(await asked.parts.jobs.do(CancelJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=job)))
    return _changed(asked, outcome)


async def retry(asked: Asked) -> Response:
    """Another run of the same job. Where it must be confirmed first, the refusal carries the plan."""
    job = await _named_job(asked)
    body = await asked.body(requests.Retry)
    named = list(named_uploads(body.input, "/input"))
    uploads = await uploads_sha256(asked, (each for _, each in named))
    if missing := unknown_uploads(named, uploads):
        raise Refused(missing)
    check_size(asked, body.input)
    key = asked.key(f"POST /v1/jobs/{job}/retry", body, uploads)
    command = RetryJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=job, body=body)
    outcome = await asked.parts.jobs.do(command)
    if isinstance(outcome, Rejection) and "plan" in outcome.extra:
        outcome = await _with_plan(asked, job, outcome)
    return _changed(asked, accepted(outcome))


def check_size(asked: Asked, input_: Json) -> None:
    limit = asked.parts.settings.request_max_bytes
    if len(msgspec.json.encode(input_)) > limit:
        raise too_large("input", limit, pointer="/input")


async def _with_plan(asked: Asked, job: str, rejection: Rejection) -> Rejection:
    """The plan that the refusal was decided by, in words."""
    decided = msgspec.convert(rejection.extra["plan"], DecidedPlan)
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job)
    if found is None:
        raise not_found(job)
    plan = plan_view(found, decided.scope, decided.ids, asked.language, decided.digest)
    return replace(rejection, extra={**rejection.extra, "plan": msgspec.to_builtins(plan)})


class DecidedPlan(Struct, frozen=True):
    """What `decide_retry` says of the plan that it judged by."""

    scope: str
    ids: list[str]
    digest: str


async def retry_plan(asked: Asked) -> Response:
    """What a retry would do, before the click."""
    job = asked.id()
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job)
        if found is None:
            raise not_found(job)
        scope = asked.one_of("scope", ("all", "failed_items")) or "all"
        ids = await failed_ids(conn, asked.partition, found) if scope != "all" else []
        now = await database_now(conn)
    wish = msgspec.convert({"scope": scope, "confirm": True}, requests.Retry)
    decision = decide_retry(found, wish, ids, None, now)
    if isinstance(decision, Rejection):
        raise Refused(decision)
    if not decision:
        raise Refused(Rejection(Problem.STILL_RUNNING, {"ref": found.ref}))
    return answer(plan_view(found, scope, ids, asked.language, plan_digest(found, scope, ids, None)))


async def _named_job(asked: Asked) -> str:
    """The job in the path, if it is one of this tenant's: before the body is looked at."""
    job = asked.id()
    async with asked.parts.pool.acquire() as conn:
        if not await is_job(conn, asked.partition, asked.tenant, job):
            raise not_found(job)
    return job


def _changed(asked: Asked, outcome: Outcome) -> Response:
    return answer(asked.view(job_of(outcome), outcome.at), outcome.status, position(outcome))


def job_of(outcome: Outcome) -> Job:
    if outcome.job is None:
        raise not_found("job")
    return outcome.job


_SUBMIT_REFUSES = (Problem.TOO_LARGE, Problem.INVALID, Problem.UNKNOWN_TYPE, Problem.UNKNOWN_UPLOAD, Problem.KEY_REUSED)

CALLS = (
    Call(
        method="POST",
        path="/v1/jobs",
        handler=submit,
        scopes=("submit",),
        summary="Start a job, or open the one that is there",
        body=requests.Submit,
        answers={201: JobView, 200: JobView},
        refuses=_SUBMIT_REFUSES,
        writes=True,
    ),
    Call(
        method="POST",
        path="/v1/jobs/find",
        handler=find,
        scopes=("read", "submit"),
        summary="The job that the same submit would open, if there is one",
        body=requests.Submit,
        answers={200: JobView, 204: None},
        refuses=_SUBMIT_REFUSES,
    ),
    Call(
        method="POST",
        path="/v1/jobs/batch",
        handler=batch,
        scopes=("submit",),
        summary="Start up to 1,000 jobs; each is answered by itself",
        body=requests.Batch,
        answers={200: BatchAnswers},
        refuses=(Problem.TOO_LARGE, Problem.INVALID),
        writes=True,
    ),
    Call(
        method="POST",
        path="/v1/jobs/{id}/cancel",
        handler=cancel,
        scopes=("submit",),
        summary="Stop a job",
        body=requests.Cancel,
        answers={202: JobView, 200: JobView},
        refuses=(Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED, Problem.ALREADY_FINISHED),
        writes=True,
    ),
    Call(
        method="POST",
        path="/v1/jobs/{id}/retry",
        handler=retry,
        scopes=("submit",),
        summary="Run a job again: all of it, or its failed items alone",
        body=requests.Retry,
        answers={202: JobView, 200: JobView},
        refuses=(
            Problem.TOO_LARGE,
            Problem.INVALID,
            Problem.UNKNOWN_UPLOAD,
            Problem.KEY_REUSED,
            Problem.STILL_RUNNING,
            Problem.NOTHING_TO_RETRY,
            Problem.CONFIRM_FIRST,
            Problem.PLAN_CHANGED,
            Problem.NEWER_TWIN,
        ),
        writes=True,
    ),
    Call(
        method="GET",
        path="/v1/jobs/{id}/retry",
        handler=retry_plan,
        scopes=("read", "submit"),
        summary="What a retry would do, before the click",
        answers={200: Plan},
        query=(SCOPE_QUERY,),
        refuses=(Problem.INVALID, Problem.STILL_RUNNING, Problem.NOTHING_TO_RETRY),
    ),
)
