"""Events to a job's state: the append, a rebuild, verify and `?at=` all run this one function.

It is the `evolve` of decide/evolve too: one fold, so that what is decided and what is shown can't disagree.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from schemas import events as e
from schemas.envelope import Recorded, moment_of
from schemas.job import Job, Ledger, Problem, Progress
from schemas.states import BLOCKED, ENDED, Phase, next_phase

ALL, FAILED_ITEMS = "all", "failed_items"
RESUMES = "resumes"


def fold(job: Job | None, recorded: Recorded) -> Job:
    """The job after one more event of its stream. Raises ImpossibleTransition on what the log can't hold."""
    event = recorded.data
    if job is None:
        if not isinstance(event, e.JobRequested):
            raise ValueError(f"a job's stream begins with JobRequested, not {recorded.type}")
        return _requested(event, recorded)
    if recorded.version <= job.version:
        return job  # delivered again: a status never goes back
    phase = next_phase(job.phase, recorded.type, e.variant(event))
    change = CHANGES.get(type(event))
    changed = change(job, event, recorded.recorded_at) if change else job
    return replace(
        changed, phase=phase, version=recorded.version, position=recorded.position, updated_at=recorded.recorded_at
    )


def _requested(event: e.JobRequested, recorded: Recorded) -> Job:
    return Job(
        id=recorded.stream,
        ref=event.ref,
        tenant=recorded.tenant,
        type=event.type,
        definition=event.definition,
        owner=event.owner,
        title=event.title,
        size=event.size,
        priority=event.priority,
        dedupe=event.dedupe,
        created_at=recorded.recorded_at,
        updated_at=recorded.recorded_at,
        version=recorded.version,
        position=recorded.position,
        phase=Phase.REQUESTED,
        traceparent=recorded.traceparent,
    )


def _repeated(job: Job, event: e.RequestRepeated, _: datetime) -> Job:
    return replace(job, clicks=event.clicks)


def _queued(job: Job, event: e.JobQueued, _: datetime) -> Job:
    ready_at = moment_of(event.ready_at)
    return replace(
        job,
        ready_at=ready_at,
        due_from=job.due_from or ready_at,
        problem=None if job.phase is Phase.SCHEDULED else job.problem,
    )


def _started(job: Job, event: e.AttemptStarted, at: datetime) -> Job:
    ledger = job.ledger
    if ledger and event.attempt > 1 and job.definition.retry.mode != RESUMES:
        ledger = replace(
            ledger, done=0, failed=0
        )  # the attempt before it counts for nothing: all of the run is open again
    return replace(
        job,
        attempt=event.attempt,
        worker=event.worker,
        started_at=job.started_at or at,
        attempt_at=at,
        sign_at=at,
        progress_at=None,
        stage=None,
        progress=None,
        problem=_items_problem(job) if ledger and ledger.failed else None,
        ledger=ledger,
        estimate=None,
        quiet={},
    )


def _items_problem(job: Job) -> Problem | None:
    return job.problem if job.problem and job.problem.cause == "items" else Problem("items")


def _stage(job: Job, event: e.StageStarted, at: datetime) -> Job:
    return replace(job, stage=event.stage, sign_at=at, progress=None, progress_at=None)


def _progress(job: Job, event: e.ProgressReported, at: datetime) -> Job:
    progress = Progress(event.done, event.total, event.unit)
    return replace(job, progress=progress, progress_at=at, sign_at=at, ledger=_counted(job, event))


def _counted(job: Job, event: e.ProgressReported) -> Ledger | None:
    if event.total is None:
        return job.ledger
    ledger = job.ledger or Ledger()
    done, total = int(event.done) if event.last else 0, int(event.total)
    if job.scope == FAILED_ITEMS:
        return replace(ledger, done=max(ledger.done, done))  # the run's own count; the job's total stays
    if ledger.kept:  # a resumed run counts all items, or only those that were left
        done, total = (done - ledger.kept, total) if total >= ledger.total else (done, ledger.total)
    done = max(ledger.done, done)
    return replace(ledger, done=done, total=max(total, ledger.failed, ledger.kept))


def _items_failed(job: Job, event: e.ItemsFailed, at: datetime) -> Job:
    ledger = job.ledger or Ledger()
    ledger = replace(
        ledger,
        failed=event.failed,
        total=max(ledger.total, event.failed + (ledger.kept if job.scope == ALL else 0)),
        again=ledger.again + event.beyond,
    )
    first = event.items[0]
    if job.problem and job.problem.cause == "items":
        problem = job.problem
    else:
        problem = Problem("items", row=first.row, column=first.column, reason=first.reason)
    return replace(job, ledger=ledger, problem=problem, sign_at=at)


def _stored(job: Job, event: e.ResultStored, _: datetime) -> Job:
    return replace(job, result=event.result)


def _finished(job: Job, event: e.JobFinished, at: datetime) -> Job:
    ledger = job.ledger
    if event.total is not None:
        ledger = replace(ledger or Ledger(), total=event.total, failed=event.failed or 0, closed=True)
    return replace(
        _let_go(job),
        ledger=ledger,
        finished_at=at,
        problem=_items_problem(job) if event.failed else None,
        cancel_asked=False,
    )


def _let_go(job: Job) -> Job:
    """No worker holds the job any more."""
    return replace(job, worker=None, estimate=None, quiet={})


def _needs_fix(job: Job, event: e.NeedsFix, at: datetime) -> Job:
    first = job.problem if job.problem and job.problem.cause == "items" else Problem("items")
    problem = Problem(
        event.cause,
        text=event.text,
        row=first.row if event.row is None else event.row,
        column=event.column or first.column,
        reason=event.reason or first.reason,
        next=event.next,
    )
    return replace(_stopped_short(job, asked=event.cause == "asked"), problem=problem, blocked_at=at)


def _stopped_short(job: Job, *, asked: bool) -> Job:
    """A run that ended without its result. A worker that names failed items and asks has gone through all of them.

    Else what a run of failed items did is not known, so those items are failed as before.
    """
    job, ledger = _let_go(job), job.ledger
    if ledger is None:
        return job
    if (asked and ledger.failed) or (job.scope == ALL and ledger.open == 0):
        return replace(job, **_settled(job))
    if job.scope == FAILED_ITEMS:
        failed = max(ledger.failed, ledger.again)
        return replace(job, ledger=replace(ledger, done=0, failed=failed, total=max(ledger.total, failed)))
    return job


def _settled(job: Job) -> dict[str, int]:
    """What failed before this run, or in an attempt that was begun afresh since, and did not fail again is done."""
    return {"open_from": job.run, "open_attempt": 1 if job.definition.retry.mode == RESUMES else job.attempt}


def _failed(job: Job, event: e.AttemptFailed, _: datetime) -> Job:
    return replace(_let_go(job), failures=job.failures + 1, problem=Problem("failed", text=event.text, next=event.next))


def _lost(job: Job, _: e.AttemptLost, __: datetime) -> Job:
    return replace(_let_go(job), failures=job.failures + 1, problem=Problem("lost"))


def _released(job: Job, _: e.AttemptReleased, __: datetime) -> Job:
    return _let_go(job)


def _retry_requested(job: Job, event: e.RetryRequested, _: datetime) -> Job:
    return replace(
        job,
        run=event.run,
        attempt=0,
        failures=0,
        scope=ALL if event.scope == ALL else event.scope,  # the default itself, so that it is left out of the document
        retry_input=event.input is not None,
        due_from=None,
        blocked_at=None,
        finished_at=None,
        stage=None,
        progress=None,
        problem=None,
        cancel_asked=False,
        **_reopened(job, event.scope),
    )


def _reopened(job: Job, scope: str) -> dict[str, object]:
    """The ledger at the start of a run by hand, and from which run on its failed items count and are listed."""
    ledger = job.ledger
    fresh = scope == ALL and job.definition.retry.mode != RESUMES
    if fresh:
        kept = Ledger(total=ledger.total) if ledger else None
        return {
            "ledger": kept,
            "result": None,
            "listed_from": job.run + 1,
            "open_from": job.run + 1,
            "open_attempt": 1,
        }
    if ledger is None:
        return {"result": None}
    again = ledger.failed if scope == FAILED_ITEMS else 0
    reopened = Ledger(total=ledger.total, kept=ledger.ready, again=again)
    return {"ledger": reopened, **(_settled(job) if ledger.closed else {})}


def _retry_scheduled(job: Job, event: e.RetryScheduled, _: datetime) -> Job:
    return replace(job, ready_at=moment_of(event.at))


def _cancel_requested(job: Job, _: e.CancelRequested, at: datetime) -> Job:
    return replace(job, cancel_asked=True, cancel_at=at)


def _canceled(job: Job, _: e.JobCanceled, at: datetime) -> Job:
    job = job if job.phase in BLOCKED else _stopped_short(job, asked=False)
    return replace(job, finished_at=at, problem=None, cancel_asked=False)


def _estimated(job: Job, event: e.EstimateStated, at: datetime) -> Job:
    return replace(job, estimate=event, estimate_at=at, quiet=event.quiet or job.quiet)


def _late(job: Job, event: e.LateReportRefused, _: datetime) -> Job:
    return replace(job, refused=(*job.refused, f"{event.run}.{event.attempt}"))


CHANGES: dict[type[e.Event], Callable[..., Job]] = {
    e.RequestRepeated: _repeated,
    e.JobQueued: _queued,
    e.AttemptStarted: _started,
    e.StageStarted: _stage,
    e.ProgressReported: _progress,
    e.ItemsFailed: _items_failed,
    e.ResultStored: _stored,
    e.JobFinished: _finished,
    e.NeedsFix: _needs_fix,
    e.AttemptFailed: _failed,
    e.AttemptLost: _lost,
    e.AttemptReleased: _released,
    e.RetryRequested: _retry_requested,
    e.RetryScheduled: _retry_scheduled,
    e.CancelRequested: _cancel_requested,
    e.JobCanceled: _canceled,
    e.LateReportRefused: _late,
    e.EstimateStated: _estimated,
}


def is_active(job: Job) -> bool:
    return job.phase not in ENDED
