"""Why things happen or are refused: `decide_…(job, command, now) -> events or a refusal`. Pure: no I/O, no clock.

Times come in as the database's `now`, ids come in with the command, jitter is derived from the job's id. A refusal is
a value. `services/jobs/reports.py` decides what a worker says, `services/jobs/times.py` what time alone does.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from projections.items import can_retry_failed
from projections.status.fold import FAILED_ITEMS
from projections.waits.moment import STATED_EVERY_S
from schemas import events as e
from schemas import requests
from schemas.envelope import time_text
from schemas.ids import ref_of
from schemas.job import Job, Progress
from schemas.jobtypes import Definition, text_in
from schemas.problems import Problem, Rejection
from schemas.states import BLOCKED, CLAIMABLE, HELD, LIVELY, RETRYABLE, WAITING, Phase
from services.jobs.dedupe import Memory, still_own
from services.jobs.plan import plan_digest

REFUSALS_ON_RECORD_MAX = 64  # late reports of a job that become events; those beyond are refused all the same


class Late(Struct, frozen=True):
    """An outdated lease: refused, and the first time it is on record."""

    events: list[e.Event]


class Later(Struct, frozen=True):
    """Progress within a second of the last: kept beside the lease and told when the second is over."""

    progress: Progress


Decision = list[e.Event] | Rejection | Late | Later


def decide_submit(
    job: str, body: requests.Submit, definition: Definition, dedupe: str | None, now: datetime
) -> list[e.Event]:
    """A request that met nothing: it becomes a job, queued at once or for its `not_before`."""
    later = body.not_before is not None and body.not_before > now
    ready_at = body.not_before if later and body.not_before else now
    requested = e.JobRequested(
        type=body.type,
        ref=ref_of(job, text_in(definition.title, "en")),
        title=body.title,
        owner=body.owner,
        input=body.input,
        settings=body.settings,
        size=body.size,
        priority=definition.priority if body.priority is None else body.priority,
        not_before=time_text(body.not_before) if body.not_before else None,
        definition=definition,
        dedupe=dedupe,
        again=bool(body.again),
    )
    return [requested, e.JobQueued(run=1, ready_at=time_text(ready_at), waits=later)]


def decide_repeat(job: Job) -> list[e.Event]:
    """The same request again: the job that is there, one click more."""
    return [e.RequestRepeated(clicks=job.clicks + 1)]


def decide_start(job: Job, worker: str, now: datetime) -> list[e.Event]:
    """A worker takes the run. Nothing where it can't be taken now."""
    if job.phase not in CLAIMABLE or job.ready_at is None or job.ready_at > now:
        return []
    return [e.AttemptStarted(run=job.run, attempt=job.attempt + 1, worker=worker)]


def decide_estimate(job: Job, said: e.EstimateStated, now: datetime) -> e.EstimateStated | None:
    """What a watched job's screen says goes on record, at most once in a while, and only while it can hold."""
    fresh = job.estimate_at is not None and (now - job.estimate_at).total_seconds() < STATED_EVERY_S
    return None if fresh or job.phase not in WAITING | LIVELY else said


def decide_cancel(job: Job, _: datetime) -> Decision:
    if job.phase in WAITING | BLOCKED:
        return [e.CancelRequested(held=False), e.JobCanceled()]
    if job.phase in {Phase.CANCELING, Phase.STOPPED, Phase.EXPIRED}:
        return []  # done already: asking twice is fine
    if job.phase in HELD:
        return [e.CancelRequested(held=True)]
    return Rejection(Problem.ALREADY_FINISHED, {"ref": job.ref})


def decide_stop(job: Job) -> list[e.Event]:
    """An open job ends now, whoever has it: whatever its worker still says is refused."""
    if job.phase is Phase.CANCELING:
        return [e.JobCanceled()]
    return [e.CancelRequested(held=job.phase in HELD), e.JobCanceled()]


def decide_retry(
    job: Job, body: requests.Retry, failed: Sequence[str], memory: Memory | None, now: datetime
) -> Decision:
    """Another run of the same job. `failed`: ids of the items that are failed now; `memory`: who holds its key."""
    if job.phase not in RETRYABLE:
        if job.run > 1 and job.phase in WAITING | HELD:
            return []  # done already: the retry that was asked for waits or runs
        problem = Problem.STILL_RUNNING if job.phase in WAITING | HELD else Problem.NOTHING_TO_RETRY
        return Rejection(problem, {"ref": job.ref, "scope": body.scope})
    if body.scope == FAILED_ITEMS and not (failed and can_retry_failed(job)):
        return Rejection(Problem.NOTHING_TO_RETRY, {"ref": job.ref, "scope": body.scope})
    if memory and not still_own(memory, job, now):
        return Rejection(Problem.NEWER_TWIN, {"ref": job.ref}, extra={"job": memory.job})
    return _confirmed(job, body, failed) or [
        e.RetryRequested(
            run=job.run + 1, scope=body.scope, plan=plan_digest(job, body.scope, failed, body.input), input=body.input
        ),
        e.JobQueued(run=job.run + 1, ready_at=time_text(now)),
    ]


def _confirmed(job: Job, body: requests.Retry, failed: Sequence[str]) -> Rejection | None:
    """A refusal with the plan as it is now, where it was not confirmed or has changed since it was shown."""
    digest = plan_digest(job, body.scope, failed, body.input)
    shown = {"scope": body.scope, "ids": list(failed), "digest": digest}
    if body.plan is not None and body.plan != digest:
        return Rejection(Problem.PLAN_CHANGED, {"ref": job.ref}, extra={"plan": shown})
    if job.definition.retry.safety != SAFE and not body.confirm:
        return Rejection(
            Problem.CONFIRM_FIRST, {"ref": job.ref, "safety": job.definition.retry.safety}, extra={"plan": shown}
        )
    return None


SAFE = "safe"


def after_failure(job: Job, failed: e.AttemptFailed | e.AttemptLost, now: datetime) -> list[e.Event]:
    """What follows an attempt that ended badly: the cancel that was asked for, another attempt, or a person."""
    if job.cancel_asked:
        return [failed, e.JobCanceled()]
    lost = isinstance(failed, e.AttemptLost)
    retryable = lost or (isinstance(failed, e.AttemptFailed) and failed.retryable)
    if not retryable or job.failures + 1 >= job.definition.retry.attempts:
        text, next_ = (None, None) if isinstance(failed, e.AttemptLost) else (failed.text, failed.next)
        return [failed, e.NeedsFix(cause="gave_up", text=text, next=next_)]
    if lost:
        return [failed, e.JobQueued(run=job.run, ready_at=time_text(now))]
    at = now + timedelta(seconds=pause_s(job))
    return [failed, e.RetryScheduled(run=job.run, attempt=job.attempt, at=time_text(at))]


def pause_s(job: Job) -> float:
    """Seconds before the next attempt: exponential, with "equal jitter" (Brooker, AWS 2015) between half and all."""
    rule = job.definition.retry.backoff
    try:
        whole = min(rule.max, rule.first * rule.factor**job.failures)
    except OverflowError:
        whole = rule.max
    chance = int.from_bytes(sha256(f"{job.id}.{job.run}.{job.attempt}".encode()).digest()[:4], "big") / 2**32
    return whole * (0.5 + chance / 2)
