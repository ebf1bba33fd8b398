"""What a worker's report does to its job. Pure, like all of decide. An outdated lease changes nothing.

Each report first tells the progress that was held back for less than a second, so that nothing is told out of order.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from projections.status.fold import FAILED_ITEMS
from schemas import events as e
from schemas import requests
from schemas.envelope import time_text
from schemas.events import Item, StoredResult
from schemas.job import Job, Ledger, Progress
from schemas.problems import Fault, Problem, Rejection
from schemas.states import HELD, Phase
from services.jobs.decide import REFUSALS_ON_RECORD_MAX, Decision, Late, Later, after_failure

PROGRESS_EVERY_S = 1.0
LEDGER_MAX_ITEMS = 10_000


class Facts(msgspec.Struct, frozen=True):
    """What a report is judged by besides the job."""

    run: int
    attempt: int
    verb: str
    pending: Progress | None = None  # progress held back
    failed: Mapping[str, tuple[str | None, str | None]] = {}  # items failed now, of those named: id to (column, reason)
    open: frozenset[str] = frozenset()  # items to be done again, of those named
    result: StoredResult | None = None


def decide_report(job: Job, body: requests.Body, facts: Facts, now: datetime) -> Decision:
    """The events of one report, or a refusal. [] where nothing changed (a heartbeat, a report said again)."""
    if job.phase not in HELD or (job.run, job.attempt) != (facts.run, facts.attempt):
        return late(job, facts)
    return REPORTS[type(body)](job, body, facts, now)


def late(job: Job, facts: Facts) -> Late:
    attempt = f"{facts.run}.{facts.attempt}"
    if attempt in job.refused or len(job.refused) >= REFUSALS_ON_RECORD_MAX:
        return Late([])
    return Late([e.LateReportRefused(run=facts.run, attempt=facts.attempt, verb=facts.verb)])


def told(job: Job, facts: Facts) -> list[e.Event]:
    """The progress held back, as its event."""
    if facts.pending is None or job.phase is Phase.CANCELING:
        return []
    return [progressed(job, facts.pending)]


def progressed(job: Job, progress: Progress) -> e.ProgressReported:
    stages = job.definition.stages
    last = not stages or job.stage == stages[-1].name
    return e.ProgressReported(done=progress.done, total=progress.total, unit=progress.unit, last=last)


def _heartbeat(_: Job, __: requests.Heartbeat, ___: Facts, ____: datetime) -> Decision:
    return []


def _stage(job: Job, body: requests.Stage, facts: Facts, _: datetime) -> Decision:
    names = [stage.name for stage in job.definition.stages]
    if names and body.name not in names:
        return Rejection(Problem.INVALID, faults=(Fault("/name", f"must be one of {', '.join(names)}"),))
    if job.phase is Phase.CANCELING or (job.stage == body.name and job.progress is None and not facts.pending):
        return []
    return [*told(job, facts), e.StageStarted(stage=body.name)]


def _progress(job: Job, body: requests.Progress, facts: Facts, now: datetime) -> Decision:
    so_far = facts.pending or job.progress or Progress(0, None, None)
    begun = facts.pending is not None or job.progress is not None
    total = so_far.total if body.total is None else body.total
    if total is not None and body.done > total:
        return Rejection(Problem.INVALID, faults=(Fault("/done", f"is more than the total of {total:.16g}"),))
    progress = Progress(body.done, total, body.unit or so_far.unit)
    if job.phase is Phase.CANCELING or (begun and (progress.done < so_far.done or progress == so_far)):
        return []  # counted work never goes back
    complete = _complete(progress) and not _complete(so_far)  # told at once, but not over and over
    if job.progress_at and not complete and now < job.progress_at + timedelta(seconds=PROGRESS_EVERY_S):
        return Later(progress)
    return [progressed(job, progress)]


def _complete(progress: Progress) -> bool:
    return progress.total is not None and progress.done >= progress.total


def item_id(report: requests.ItemReport | requests.FinishedItem) -> str:
    """The given id, else its row, else a digest of what is said of it."""
    if report.id is not None:
        return str(report.id)
    return str(report.row) if report.row is not None else sha256(msgspec.json.encode(report)).hexdigest()[:16]


def items_failed(job: Job, reports: list[Item], facts: Facts) -> list[e.Event] | Rejection:
    """The items that are newly failed or failed otherwise than was said; a repeated report changes nothing."""
    fresh: dict[str, Item] = {}
    for item in reports:
        if facts.failed.get(item.id) != (item.column, item.reason):
            fresh[item.id] = item
    if not fresh:
        return []
    known = job.ledger.failed if job.ledger else 0
    failed = known + sum(1 for id_ in fresh if id_ not in facts.failed)
    if failed > LEDGER_MAX_ITEMS:
        detail = f"{LEDGER_MAX_ITEMS} failed items are kept for a job; say that the whole job failed instead"
        return Rejection(
            Problem.TOO_LARGE,
            {"name": "/items", "limit": LEDGER_MAX_ITEMS, "unit": "items"},
            (Fault("/items", detail),),
        )
    asked = facts.failed.keys() | facts.open
    beyond = len(fresh.keys() - asked) if job.scope == FAILED_ITEMS else 0
    stopping = job.phase is Phase.CANCELING
    return [e.ItemsFailed(items=tuple(fresh.values()), failed=failed, stopping=stopping, beyond=beyond)]


def _problems(job: Job, body: requests.Problems, facts: Facts, _: datetime) -> Decision:
    items = [Item(id=item_id(i), row=i.row, column=i.column, reason=i.reason, value=i.value) for i in body.items]
    found = items_failed(job, items, facts)
    return found if isinstance(found, Rejection) or not found else [*told(job, facts), *found]


def _finish(job: Job, body: requests.Finish, facts: Facts, _: datetime) -> Decision:
    if facts.result is None:
        return Rejection(Problem.RESULT_MISSING)
    named = {item_id(item): item for item in body.items} if isinstance(body.items, list) else {}  # the last word counts
    bad = [_item(i) for i in named.values() if i.reason or i.state == "failed"]
    good = tuple(_item(i) for i in named.values() if not (i.reason or i.state == "failed"))
    found = items_failed(job, bad, facts)
    if isinstance(found, Rejection):
        return found
    ledger = _ledger_after(job, [*told(job, facts), *found], {item.id for item in good}, facts)
    counts = body.items if isinstance(body.items, requests.ItemCounts) else None
    closed = _closed(job, ledger, counts)
    if isinstance(closed, Rejection):
        return closed
    ready, failed, total = closed
    finished = e.JobFinished(run=job.run, attempt=job.attempt, ready=ready, failed=failed, total=total, items=good)
    return [*told(job, facts), *found, e.ResultStored(result=facts.result), finished]


def _item(report: requests.FinishedItem) -> Item:
    return Item(id=item_id(report), row=report.row, column=report.column, reason=report.reason, value=report.value)


def _ledger_after(job: Job, events: list[e.Event], good: set[str], facts: Facts) -> Ledger:
    """The ledger's total and failed after these events, which are not folded yet, and with these items ready."""
    ledger = job.ledger or Ledger()
    total, failed = ledger.total, ledger.failed
    for event in events:
        if isinstance(event, e.ItemsFailed):
            failed = event.failed
        elif isinstance(event, e.ProgressReported) and event.total is not None and job.scope != FAILED_ITEMS:
            total = max(total, int(event.total))
    failed -= sum(1 for id_ in good if id_ in facts.failed)
    return msgspec.structs.replace(ledger, total=max(total, ledger.kept + len(good) + failed), failed=failed)


def _closed(
    job: Job, ledger: Ledger, counts: requests.ItemCounts | None
) -> tuple[int | None, int | None, int | None] | Rejection:
    """(ready, failed, total) at the end of a run, all None where the job counts no items. The sum always holds."""
    failed = ledger.failed
    if counts and counts.failed is not None and counts.failed != failed:
        detail = f"is not how many items were reported as failed ({failed}); report each with its reason"
        return Rejection(Problem.INVALID, faults=(Fault("/items/failed", detail),))
    if counts is None or job.scope == FAILED_ITEMS:
        total = ledger.total
        return (total - failed, failed, total) if total else (None, None, None)
    total = counts.total if counts.total is not None else max(ledger.total, (counts.ready or 0) + failed)
    ready = counts.ready if counts.ready is not None else total - failed
    if ready + failed != total or ready < 0:
        detail = f"ready ({ready}) and failed ({failed}) must add up to the total ({total})"
        return Rejection(Problem.INVALID, faults=(Fault("/items", detail),))
    return ready, failed, total


def _needs_fix(job: Job, body: requests.NeedsFix, facts: Facts, _: datetime) -> Decision:
    if job.cancel_asked:
        return _let_go(job)
    asked = e.NeedsFix(
        cause="asked", text=body.text, row=body.row, column=body.column, reason=body.reason, next=body.next
    )
    return [*told(job, facts), asked]


def _fail(job: Job, body: requests.Fail, facts: Facts, now: datetime) -> Decision:
    failed = e.AttemptFailed(
        run=job.run,
        attempt=job.attempt,
        reason=body.reason,
        retryable=body.retryable is not False,
        text=body.text,
        next=body.next,
    )
    return [*told(job, facts), *after_failure(job, failed, now)]


def _release(job: Job, _: requests.Release, facts: Facts, now: datetime) -> Decision:
    if job.cancel_asked:
        return _let_go(job)
    released = e.AttemptReleased(run=job.run, attempt=job.attempt)
    return [*told(job, facts), released, e.JobQueued(run=job.run, ready_at=time_text(now))]


def _let_go(job: Job) -> list[e.Event]:
    """The worker stopped as it was asked to."""
    return [e.AttemptReleased(run=job.run, attempt=job.attempt), e.JobCanceled()]


REPORTS: dict[type[requests.Body], Callable[..., Decision]] = {
    requests.Heartbeat: _heartbeat,
    requests.Stage: _stage,
    requests.Progress: _progress,
    requests.Problems: _problems,
    requests.Finish: _finish,
    requests.NeedsFix: _needs_fix,
    requests.Fail: _fail,
    requests.Release: _release,
}
