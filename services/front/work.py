"""What workers' calls ask for: claims, reports one by one or many at once, and signs of life."""

import asyncio
from collections.abc import Sequence
from itertools import accumulate

import msgspec
from msgspec import Struct

from eventstore.read import head
from schemas import requests
from schemas.commands import Assignment, ClaimJobs, IdempotencyKey, Outcome, ReportWork
from schemas.envelope import Cause, time_text
from schemas.events import Json, Moment
from schemas.ids import is_type_name
from schemas.problems import Fault, Problem, Rejection
from services.front.asked import Asked, Reply, accepted, position
from services.front.bodies import convert, invalid, too_large
from services.front.keyed import body_digest
from services.front.problems import ProblemBody, Refused, prefixed, problem_body
from services.front.results import stored_result
from services.keys import SERVE
from services.private.outlived import forget_late
from services.work.tokens import Lease

REPORTS_MAX = 1000
HEARTBEATS_MAX = 5000
ENVELOPE_BYTES = 64  # around the assignments of an answer
CHECKS_AT_ONCE = 8  # results of one batch that are read again at the same time


class AssignmentView(Struct, frozen=True, kw_only=True):
    """One claimed attempt. `lease` is the token that every report of it names; `items`: those to do again."""

    job: str
    ref: str
    tenant: str
    type: str
    run: int
    attempt: int
    lease: str
    expires_at: Moment
    input: Json
    settings: Json
    items: tuple[dict[str, Json], ...]
    trace: str | None


class Assignments(Struct, frozen=True):
    assignments: list[AssignmentView]


class Reported(Struct, frozen=True):
    """What a worker learns from each of its reports."""

    cancel_requested: bool


class ReportAnswer(Struct, frozen=True, omit_defaults=True):
    """One report of a batch: `cancel_requested` where it was taken, else `problem`."""

    status: int
    cancel_requested: bool | None = None
    problem: ProblemBody | None = None


class ReportAnswers(Struct, frozen=True):
    """In the order of the request."""

    answers: list[ReportAnswer]


async def claim(asked: Asked) -> Reply:
    """Jobs for a worker, as soon as there are some."""
    body = await asked.body(requests.Claim)
    for n, name in enumerate(body.types):
        if not is_type_name(name):
            raise invalid(Fault(f"/types/{n}", 'must be a type\'s name such as "orders.export"'))
    settings = asked.parts.settings
    command = ClaimJobs(
        tenant=asked.tenant,
        cause=asked.cause(),
        key=asked.key("POST /v1/work/claim", body),
        types=tuple(body.types),
        worker=body.worker,
        max=min(body.max or 1, body.slots or settings.claim_max, settings.claim_max),
        everyone=SERVE in asked.caller.scopes,
    )
    async with asked.gone() as gone:
        outcome = accepted(await asked.parts.claims.claim(command, min(body.wait or 0, settings.long_poll_max_s), gone))
    views = _within([_assigned(asked, each) for each in outcome.assignments], asked.answer_max_bytes)
    if left := outcome.assignments[len(views) :]:
        await asked.parts.claims.give_back(command, left)
        if not views:
            raise too_large("answer", asked.answer_max_bytes or 0)
    return Reply(200, Assignments(views), position(outcome))


def _within(views: list[AssignmentView], limit: int | None) -> list[AssignmentView]:
    """As many of the first as fit in one answer."""
    if limit is None:
        return views
    sizes = accumulate((len(msgspec.json.encode(view)) + 1 for view in views), initial=ENVELOPE_BYTES)
    return [view for view, size in zip(views, list(sizes)[1:], strict=True) if size <= limit]


def _assigned(asked: Asked, assignment: Assignment) -> AssignmentView:
    job = assignment.job
    return AssignmentView(
        job=job.id,
        ref=job.ref,
        tenant=job.tenant,
        type=job.type,
        run=job.run,
        attempt=job.attempt,
        lease=asked.parts.tokens.make(job.tenant, Lease(job.id, job.run, job.attempt)),
        expires_at=time_text(assignment.expires_at),
        input=assignment.input,
        settings=assignment.settings,
        items=assignment.items,
        trace=assignment.traceparent,
    )


async def report(asked: Asked, token: str, verb: str) -> Reply:
    """One report of one lease."""
    lease = _lease(asked, token)
    body = await asked.body(requests.REPORTS[verb])
    key = asked.key(f"POST /v1/work/{token}/{verb}", body)
    command = await _command(asked, lease, body, "", asked.cause(), key)
    if isinstance(command, Rejection):
        raise Refused(command)
    answer = await asked.parts.jobs.do(command)
    await forget_late(asked, [command], [answer])
    outcome = accepted(answer)
    return Reply(200, Reported(outcome.cancel_requested), position(outcome))


def _lease(asked: Asked, token: str) -> Lease:
    found = asked.parts.tokens.read(asked.tenant, token)
    if found is None:
        raise Refused(Rejection(Problem.NOT_FOUND))  # a token is a secret of its kind, never said back
    return found


async def _command(
    asked: Asked, lease: Lease, body: requests.Body, at: str, cause: Cause, key: IdempotencyKey | None
) -> ReportWork | Rejection:
    """The report ready to be decided: a finish's result is looked for first."""
    limit = asked.parts.settings.problems_max_items
    if isinstance(body, requests.Problems) and len(body.items) > limit:
        return too_large("items", limit, "items", f"{at}/items").rejection
    found = await stored_result(asked, body.result, f"{at}/result") if isinstance(body, requests.Finish) else None
    if isinstance(found, Rejection):
        return found
    return ReportWork(
        tenant=asked.tenant,
        cause=cause,
        key=key,
        job=lease.job,
        run=lease.run,
        attempt=lease.attempt,
        body=body,
        result=found,
    )


async def report_all(asked: Asked) -> Reply:
    """Many reports in one call, carried out in order and answered each by itself."""
    limit = asked.parts.settings.batch_body_max_bytes
    reports = (await asked.body(requests.Reports, limit)).reports
    if len(reports) > REPORTS_MAX:
        raise too_large("reports", REPORTS_MAX, "items", "/reports")
    key, cause = asked.named_key(), asked.cause()
    checks = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def judged(n: int) -> ReportWork | Rejection:
        return await _judged(asked, reports[n], f"/reports/{n}", cause, None if key is None else f"{key}#{n}")

    async def read_again(n: int) -> ReportWork | Rejection:
        async with checks:
            return await judged(n)

    files = [n for n, report in enumerate(reports) if _names_upload(report)]  # nothing else waits for anything
    found = dict(zip(files, await asyncio.gather(*map(read_again, files)), strict=True))
    return await _all_done(asked, [found.get(n) or await judged(n) for n in range(len(reports))], "/reports")


def _names_upload(report: requests.Report) -> bool:
    result = report.body.get("result") if isinstance(report.body, dict) else None
    return isinstance(result, dict) and "upload" in result


async def _judged(
    asked: Asked, report: requests.Report, at: str, cause: Cause, key: str | None
) -> ReportWork | Rejection:
    """One report of a batch, by the same steps as a single one."""
    try:
        lease = _lease(asked, report.lease)
        kind = requests.REPORTS.get(report.verb)
        if kind is None:
            raise invalid(Fault(f"{at}/verb", f"must be one of {', '.join(requests.REPORTS)}"))
        body = convert({} if report.body is None else report.body, kind, f"{at}/body")
        kept = IdempotencyKey("POST /v1/work/report", key, body_digest(report, {})) if key is not None else None
        return await _command(asked, lease, body, f"{at}/body", cause, kept)
    except Refused as refusal:
        return refusal.rejection


async def heartbeat_all(asked: Asked) -> Reply:
    """A sign of life for many leases."""
    limit = asked.parts.settings.batch_body_max_bytes
    leases = (await asked.body(requests.Heartbeats, limit)).leases
    if len(leases) > HEARTBEATS_MAX:
        raise too_large("leases", HEARTBEATS_MAX, "items", "/leases")
    asked.named_key()  # said twice it changes nothing: only its form is judged
    cause, body = asked.cause(), requests.Heartbeat()
    commands: list[ReportWork | Rejection] = []
    for token in leases:
        lease = asked.parts.tokens.read(asked.tenant, token)
        found = await _command(asked, lease, body, "", cause, None) if lease else Rejection(Problem.NOT_FOUND)
        commands.append(found)
    return await _all_done(asked, commands, "/leases")


async def _all_done(asked: Asked, commands: Sequence[ReportWork | Rejection], at: str) -> Reply:
    taken = [(n, command) for n, command in enumerate(commands) if isinstance(command, ReportWork)]
    done = await asked.parts.jobs.do_all([command for _, command in taken])
    await forget_late(asked, [command for _, command in taken], done)
    outcomes: dict[int, Outcome | Rejection] = dict(zip((n for n, _ in taken), done, strict=True))
    answers = [_answer(asked, outcomes.get(n, command), f"{at}/{n}") for n, command in enumerate(commands)]
    return Reply(200, ReportAnswers(answers), await last_position(asked, done))


def _answer(asked: Asked, outcome: Outcome | Rejection | ReportWork, at: str) -> ReportAnswer:
    match outcome:
        case Outcome():
            return ReportAnswer(200, cancel_requested=outcome.cancel_requested)
        case Rejection():
            return ReportAnswer(outcome.problem.status, problem=problem_body(prefixed(outcome, at), asked.language))
        case _:
            raise AssertionError("every taken report has its outcome")


async def last_position(asked: Asked, outcomes: Sequence[Outcome | Rejection]) -> dict[str, str]:
    """Tidings-Position of an answer to many commands: the last of theirs, or the log's end where all were refused."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    if done:
        return position(max(done, key=lambda outcome: outcome.position))
    async with asked.parts.pool.acquire() as conn:
        return {"Tidings-Position": f"{asked.partition}:{await head(conn, asked.partition)}"}
