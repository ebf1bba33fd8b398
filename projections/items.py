"""The item ledger's single items: which of them is ready, failed or open, judged by the job as it stands now.

A row keeps the last thing that was reported of the item, with its run and attempt; what that means today follows from
the job. So a retry of 10,000 items changes one job, not 10,000 rows.
"""

from enum import StrEnum

from projections.status.fold import FAILED_ITEMS, RESUMES
from schemas.job import Job
from schemas.states import BLOCKED, ENDED, Phase


class ItemState(StrEnum):
    READY = "ready"
    FAILED = "failed"
    OPEN = "open"


def item_state(run: int, attempt: int, failed: bool, job: Job) -> ItemState:
    """The state of an item last reported in (run, attempt)."""
    if not failed:
        return ItemState.READY
    if run == job.run and (attempt == job.attempt or job.definition.retry.mode == RESUMES):
        return ItemState.FAILED
    if (run, attempt) < (job.open_from, job.open_attempt) or (job.ledger is not None and job.ledger.closed):
        return ItemState.READY
    if job.scope == FAILED_ITEMS and job.phase in BLOCKED | ENDED:
        return ItemState.FAILED  # the run that should mend it stopped short
    return ItemState.OPEN


def can_retry_failed(job: Job) -> bool:
    """Whether a run of the failed items alone makes the job whole: nothing else was left undone."""
    ledger = job.ledger
    if ledger is None or not ledger.failed:
        return False
    return ledger.open == 0 or job.scope == FAILED_ITEMS or job.phase is Phase.ASKING


def item_run(run: int, state: ItemState, job: Job) -> int:
    """The run in which the item came into this state or will leave it."""
    return job.run if state is ItemState.OPEN else run
