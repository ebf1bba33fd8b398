"""When time alone changes a job next. Plain rules; where a silence's usual length was learnt, it stands in the job."""

from datetime import datetime, timedelta

from schemas.job import Job
from schemas.states import BLOCKED, HELD, Phase

DELAYED_AFTER_S = 60.0  # ready and not taken: the person is told that it takes long
CANCEL_GRACE_S = 60.0  # a worker that was asked to stop has this long to answer
QUIET_AFTER_S = 120.0  # no proof of work, where the type has no rule of its own and nothing was learnt


def quiet_at(job: Job) -> datetime | None:
    """When the present attempt will have been silent for too long. None once it is called quiet."""
    if job.sign_at is None or job.phase in {Phase.QUIET, Phase.STUCK, Phase.CANCELING}:
        return None
    stall = job.definition.stall
    usual = job.quiet.get(job.stage or "", QUIET_AFTER_S)
    quiet = stall.quiet or min(usual, stall.stuck or usual)
    return job.sign_at + timedelta(seconds=quiet)


def stuck_at(job: Job) -> datetime | None:
    """When the type's rule calls the present attempt stuck. None without a rule, or once it is called so."""
    stuck = job.definition.stall.stuck
    if job.sign_at is None or stuck is None or job.phase in {Phase.STUCK, Phase.CANCELING}:
        return None
    return job.sign_at + timedelta(seconds=stuck)


def deadline_at(job: Job) -> datetime | None:
    """When the run must have ended: counted from the moment it could first start, so an untaken job is told too."""
    deadline = job.definition.deadline
    return job.due_from + timedelta(seconds=deadline) if deadline and job.due_from else None


def delayed_at(job: Job) -> datetime | None:
    """When a ready job has waited for long. Watched apart (table `queue`), as many may come to it at once."""
    return job.ready_at + timedelta(seconds=DELAYED_AFTER_S) if job.phase is Phase.READY and job.ready_at else None


def expires_at(job: Job) -> datetime | None:
    return job.blocked_at + timedelta(seconds=job.definition.expires) if job.blocked_at else None


def cancel_due_at(job: Job) -> datetime | None:
    """When a worker that was asked to stop and did not is no longer waited for."""
    return job.cancel_at + timedelta(seconds=CANCEL_GRACE_S) if job.phase is Phase.CANCELING and job.cancel_at else None


def next_due(job: Job) -> datetime | None:
    """The earliest of what may come for this job in its phase. Its lease is watched apart (table `leases`)."""
    if job.phase in HELD:
        moments = [quiet_at(job), stuck_at(job), deadline_at(job), cancel_due_at(job)]
    elif job.phase in {Phase.SCHEDULED, Phase.RETRYING}:
        moments = [job.ready_at, deadline_at(job)]
    elif job.phase in {Phase.READY, Phase.DELAYED}:
        moments = [deadline_at(job)]
    elif job.phase in BLOCKED:
        moments = [expires_at(job)]
    else:
        moments = []
    return min((m for m in moments if m is not None), default=None)
