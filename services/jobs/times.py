"""What time alone does to a job. Pure; judged by the job as it is now, so acting on an old look is harmless."""

from datetime import datetime

from msgspec import Struct

from projections.status import due
from schemas import events as e
from schemas.envelope import time_text
from schemas.job import Job, Progress
from schemas.states import BLOCKED, HELD, WAITING, Phase
from services.jobs.decide import after_failure
from services.jobs.reports import progressed

RETRY = "retry"


class Lease(Struct, frozen=True):
    """Operating state of the attempt: last seen, running out, and the progress held back until `pending_at`."""

    run: int
    attempt: int
    worker: str
    lease_s: float
    seen_at: datetime
    expires_at: datetime
    pending: Progress | None = None
    pending_at: datetime | None = None


def decide_time(job: Job, lease: Lease | None, now: datetime) -> list[e.Event]:
    """What is due at `now`, [] when nothing is. One step at a time: what follows is due at once and comes next."""
    if job.phase in HELD:
        return _held(job, lease, now)
    if _came(due.deadline_at(job), now) and job.phase in WAITING:
        return [e.NeedsFix(cause="overdue")]
    if job.phase in {Phase.SCHEDULED, Phase.RETRYING} and job.ready_at and _came(job.ready_at, now):
        return [e.JobQueued(run=job.run, ready_at=time_text(job.ready_at))]
    if job.ready_at and _came(due.delayed_at(job), now):
        return [e.JobDelayed(ready_at=time_text(job.ready_at))]
    if job.phase in BLOCKED and _came(due.expires_at(job), now):
        return [e.JobCanceled(expired=True)]
    return []


def _held(job: Job, lease: Lease | None, now: datetime) -> list[e.Event]:
    if lease is None or _came(lease.expires_at, now) or _came(due.cancel_due_at(job), now):
        return after_failure(job, _lost(job, lease.seen_at if lease else now, now), now)
    if lease.pending and _came(lease.pending_at, now) and job.phase is not Phase.CANCELING:
        return [progressed(job, lease.pending)]
    if _came(due.deadline_at(job), now):
        failed = e.AttemptFailed(run=job.run, attempt=job.attempt, reason="the deadline passed", retryable=False)
        return [failed, e.JobCanceled() if job.cancel_asked else e.NeedsFix(cause="overdue")]
    if job.sign_at and _came(due.stuck_at(job), now):
        stuck = e.AttemptStuck(silent_s=(now - job.sign_at).total_seconds())
        again = job.definition.stall.do == RETRY
        return [stuck, *after_failure(job, _lost(job, job.sign_at, now), now)] if again else [stuck]
    if job.sign_at and _came(due.quiet_at(job), now):
        return [e.AttemptQuiet(silent_s=(now - job.sign_at).total_seconds())]
    return []


def _lost(job: Job, seen_at: datetime, now: datetime) -> e.AttemptLost:
    silent_s = max(0.0, (now - seen_at).total_seconds())
    return e.AttemptLost(run=job.run, attempt=job.attempt, worker=job.worker or "", silent_s=silent_s)


def _came(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
