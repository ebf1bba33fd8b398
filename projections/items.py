"""The item ledger's single items: which of them is ready, failed or open, judged by the job as it stands now.

A row keeps the last thing that was reported of the item, with its run and attempt; what that means today follows from
the job. So a retry of 10,000 items changes one job, not 10,000 rows.
"""

from enum import StrEnum

from schemas.job import Job

RESUMES = "resumes"


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
    if run < job.open_from or (job.ledger is not None and job.ledger.closed):
        return ItemState.READY
    return ItemState.OPEN


def item_run(run: int, state: ItemState, job: Job) -> int:
    """The run in which the item came into this state or will leave it."""
    return job.run if state is ItemState.OPEN else run
