"""The calls that ask for something: submit, find, batch, cancel and retry."""

import msgspec
from msgspec import Struct

from projections.status.read import database_now, failed_ids, read_job
from projections.status.view import plan_view
from schemas import requests
from schemas.commands import IdempotencyKey, Outcome, SubmitJob
from schemas.envelope import Cause
from schemas.events import Json
from schemas.ids import uuid7
from schemas.problems import Problem, Rejection
from schemas.views import JobView, Plan
from services.api.calls import Asked, Call, Query
from services.front import jobs
from services.front.asked import Reply
from services.front.bodies import convert, too_large
from services.front.keyed import body_digest
from services.front.problems import ProblemBody, Refused, not_found, prefixed, problem_body
from services.front.uploads import named_uploads, unknown_uploads, uploads_sha256
from services.front.work import last_position
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


async def batch(asked: Asked) -> Reply:
    """Many jobs in one call; each is judged by itself, and a bad one never refuses its neighbours."""
    settings = asked.parts.settings
    items = (await asked.body(requests.Batch, settings.batch_body_max_bytes)).jobs
    if len(items) > settings.batch_max_jobs:
        raise too_large("jobs", settings.batch_max_jobs, "jobs", "/jobs")
    key, cause = asked.named_key(), asked.cause()
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
    answers = [await _item_answer(asked, done[n], f"/jobs/{n}") for n in range(len(items))]
    return Reply(200, BatchAnswers(answers), await last_position(asked, outcomes))


def _item(asked: Asked, item: Json, at: str) -> requests.Submit | Rejection:
    try:
        return jobs.checked(asked, convert(item, requests.Submit, at), at)
    except Refused as refusal:
        return refusal.rejection


def _named(body: requests.Submit, n: int) -> list[tuple[str, str]]:
    return list(named_uploads(body.input, f"/jobs/{n}/input"))


def _item_command(
    asked: Asked, body: requests.Submit, uploads: dict[str, str], cause: Cause, key: str | None
) -> SubmitJob:
    kept = None if key is None else IdempotencyKey("POST /v1/jobs/batch", key, body_digest(body, uploads))
    return SubmitJob(tenant=asked.tenant, cause=cause, key=kept, job=uuid7(), body=body, uploads=uploads)


async def _item_answer(asked: Asked, outcome: Outcome | Rejection, at: str) -> BatchAnswer:
    if isinstance(outcome, Rejection):
        return BatchAnswer(outcome.problem.status, problem=problem_body(prefixed(outcome, at), asked.language))
    return BatchAnswer(outcome.status, job=await jobs.submitted(asked, outcome))


async def cancel(asked: Asked) -> Reply:
    """Stop a job; asked twice it is the same."""
    job = await jobs.known_job(asked, asked.id())
    return await jobs.cancel(asked, job, await asked.body(requests.Cancel))


async def retry(asked: Asked) -> Reply:
    """Another run of the same job. Where it must be confirmed first, the refusal carries the plan."""
    job = await jobs.known_job(asked, asked.id())
    return await jobs.retry(asked, job, await asked.body(requests.Retry))


async def retry_plan(asked: Asked) -> Reply:
    """What a retry would do, before the click."""
    job = asked.id()
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job)
        if found is None or not asked.caller.may_use(found.owner):
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
    return Reply(200, plan_view(found, scope, ids, asked.language, plan_digest(found, scope, ids, None)))


_SUBMIT_REFUSES = (Problem.TOO_LARGE, Problem.INVALID, Problem.UNKNOWN_TYPE, Problem.UNKNOWN_UPLOAD, Problem.KEY_REUSED)

CALLS = (
    Call(
        method="POST",
        path="/v1/jobs",
        owned=True,
        handler=jobs.submit,
        hot=True,
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
        owned=True,
        handler=jobs.find,
        hot=True,
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
        hot=True,
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
        owned=True,
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
        owned=True,
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
        owned=True,
        handler=retry_plan,
        scopes=("read", "submit"),
        summary="What a retry would do, before the click",
        answers={200: Plan},
        query=(SCOPE_QUERY,),
        refuses=(Problem.INVALID, Problem.STILL_RUNNING, Problem.NOTHING_TO_RETRY),
    ),
)
