"""What is wrong with a job and the one next step, said together; None where nothing is wrong."""

from typing import NamedTuple

from projections.status.words import FAILED, LOST, Line, attention, cause_of, failed_items, message, unit
from schemas.job import Job
from schemas.states import HELD, WAITING, Phase
from schemas.views import Message

TOLD = {
    Phase.STUCK: "trouble-stuck",
    Phase.GAVE_UP: "trouble-gave_up",
    Phase.OVERDUE: "trouble-overdue",
    Phase.EXPIRED: "trouble-expired",
}
NEXT = {
    Phase.STUCK: "next-stuck",
    Phase.GAVE_UP: "next-retry",
    Phase.OVERDUE: "next-retry",
    Phase.EXPIRED: "next-expired",
}


class Trouble(NamedTuple):
    text: Line
    next: Message


def trouble(job: Job, language: str) -> Trouble | None:
    said = job.problem.text if job.problem else None
    if job.phase is Phase.ASKING:
        return Trouble(said or _asked(job, language), _worker_next(job) or _fix(job, language))
    if job.phase in TOLD:
        return Trouble(said or message(TOLD[job.phase]), _worker_next(job) or message(NEXT[job.phase], ref=job.ref))
    if job.phase in WAITING and cause_of(job) in {LOST, FAILED}:
        told = "trouble-lost" if cause_of(job) == LOST else "trouble-failed"
        return Trouble(said or message(told), message("next-wait", ref=job.ref))
    if failed_items(job):
        return Trouble(attention("attention", job, language), _items_next(job, language))
    return None


def _asked(job: Job, language: str) -> Message:
    return attention("attention", job, language) if failed_items(job) else message("sentence-asking-plain")


def _worker_next(job: Job) -> Message | None:
    """The worker's own next step, and the way to help if that is not enough."""
    step = job.problem.next.strip() if job.problem and job.problem.next else ""
    if not step:
        return None
    return message("next-worker", next=step if step.endswith((".", "!", "?", "…")) else f"{step}.", ref=job.ref)


def _fix(job: Job, language: str) -> Message:
    if failed_items(job) > 1:
        return _items_next(job, language)
    row = job.problem.row if job.problem else None
    column = job.problem.column if job.problem else None
    if row is not None and column:
        return message("next-fix-cell", row=str(row), column=column, ref=job.ref)
    if row is not None:
        return message("next-fix-row", row=str(row), ref=job.ref)
    return message("next-fix-column", column=column, ref=job.ref) if column else message("next-fix", ref=job.ref)


def _items_next(job: Job, language: str) -> Message:
    units = unit(job, 2, language)
    if job.phase is Phase.CANCELING:
        return message("next-items-canceling", unit=units)
    if job.phase in HELD | WAITING:
        return message("next-items-running" if _fixable(job) else "next-items-running-again", unit=units)
    return message("next-items" if _fixable(job) else "next-items-again", unit=units, ref=job.ref)


def _fixable(job: Job) -> bool:
    """Whether a person was asked for something, or a place in their data named: else there may be nothing to fix."""
    problem = job.problem
    return job.phase is Phase.ASKING or (problem is not None and (problem.row is not None or bool(problem.column)))


def still_running(job: Job) -> bool:
    return job.phase in HELD | WAITING
