"""Single items: what the last word on an item means is judged by the job as it stands now."""

import pytest

from projections.items import ItemState, can_retry_failed, item_run, item_state
from schemas import events as e
from schemas.job import Job
from schemas.jobtypes import Definition
from schemas.states import Phase
from tests.unit.spec import (
    BAD,
    LOST,
    NOTES,
    ODD,
    PARTLY,
    PLAIN,
    STARTED,
    STORED,
    History,
    job_after,
    job_in,
    text_after,
)

QUEUED = e.JobQueued(run=1, ready_at=text_after(0))
SECOND = e.AttemptStarted(run=1, attempt=2, worker="w2")
ASKED = e.NeedsFix(cause="asked", text="Row 17: email is missing.")
FAILS_BOTH = e.ItemsFailed(items=(BAD, ODD), failed=2)
FAILS_ONE = e.ItemsFailed(items=(BAD,), failed=1)


def again(run: int, scope: str = "failed_items") -> list[e.Event]:
    return [
        e.RetryRequested(run=run, scope=scope, plan=""),
        e.JobQueued(run=run, ready_at=text_after(0)),
        e.AttemptStarted(run=run, attempt=1, worker="w1"),
    ]


def ends(run: int, ready: int, failed: int, attempt: int = 1) -> list[e.Event]:
    return [STORED, e.JobFinished(run=run, attempt=attempt, ready=ready, failed=failed, total=10)]


def states(*history: History, kind: Definition = PLAIN) -> tuple[Job, dict[str, ItemState]]:
    """The job, and what each item that was ever named is now, by the last word on it."""
    words: dict[str, tuple[int, int, bool]] = {}
    for n, event in enumerate(history, 1):
        if isinstance(event, e.ItemsFailed | e.JobFinished):
            job = job_after(*history[:n], kind=kind)
            words |= {item.id: (job.run, job.attempt, isinstance(event, e.ItemsFailed)) for item in event.items}
    job = job_after(*history, kind=kind)
    return job, {id_: item_state(*word, job) for id_, word in words.items()}


READY, FAILED, OPEN = ItemState.READY, ItemState.FAILED, ItemState.OPEN


@pytest.mark.parametrize(
    ("kind", "history", "first", "second"),
    [
        (PLAIN, [STARTED, FAILS_BOTH], FAILED, FAILED),
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED], FAILED, FAILED),
        # The next attempt begins afresh, or goes on.
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND], OPEN, OPEN),
        (NOTES, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND], FAILED, FAILED),
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND, FAILS_ONE], FAILED, OPEN),
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND, FAILS_ONE, *ends(1, 9, 1, 2)], FAILED, READY),
        # What the second attempt mended is not done again by a retry of what failed.
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND, FAILS_ONE, *ends(1, 9, 1, 2), *again(2)], OPEN, READY),
        (PLAIN, [STARTED, FAILS_BOTH, LOST, QUEUED, SECOND, FAILS_ONE, ASKED, *again(2)], OPEN, READY),
        # A retry of the failed items.
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2)], OPEN, OPEN),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), FAILS_ONE], FAILED, OPEN),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), FAILS_ONE, *ends(2, 9, 1)], FAILED, READY),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), FAILS_ONE, *ends(2, 9, 1), *again(3)], OPEN, READY),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), *ends(2, 10, 0)], READY, READY),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), FAILS_ONE, ASKED], FAILED, READY),
        # A retry that stopped short: its items are failed as before.
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), ASKED], FAILED, FAILED),
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2), ASKED, *again(3)], OPEN, OPEN),
        (
            PLAIN,
            [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2)[:2], e.CancelRequested(held=False), e.JobCanceled()],
            FAILED,
            FAILED,
        ),
        # A run of everything.
        (PLAIN, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2, "all")], READY, READY),
        (NOTES, [STARTED, FAILS_BOTH, *ends(1, 8, 2), *again(2, "all")], OPEN, OPEN),
    ],
)
def test_what_an_item_is_now(kind: Definition, history: list[History], first: ItemState, second: ItemState) -> None:
    job, found = states(*history, kind=kind)
    assert found == {"17": first, "18": second}
    failed = sum(1 for state in found.values() if state is FAILED)
    assert job.ledger
    assert failed == (job.ledger.failed if job.listed_from == 1 else 0)


def test_an_item_named_at_the_end_is_ready() -> None:
    finished = e.JobFinished(run=1, attempt=1, ready=1, failed=0, total=1, items=(BAD,))
    _, found = states(STARTED, STORED, finished)
    assert found == {"17": READY}


def test_an_open_item_belongs_to_the_run_that_will_do_it() -> None:
    job = job_after(*PARTLY, *again(2))
    assert item_run(1, OPEN, job) == 2
    assert item_run(1, READY, job) == 1


@pytest.mark.parametrize(
    ("history", "possible"),
    [
        ([STARTED], False),
        ([STARTED, e.ProgressReported(done=3, total=10), ASKED], False),
        ([STARTED, e.ProgressReported(done=3, total=10), FAILS_ONE, ASKED], True),
        ([STARTED, FAILS_ONE, LOST, e.NeedsFix(cause="gave_up")], True),
        ([STARTED, e.ProgressReported(done=3, total=10), FAILS_ONE, LOST, e.NeedsFix(cause="gave_up")], False),
        (PARTLY, True),
        ([*PARTLY, *again(2), e.NeedsFix(cause="asked", text="?")], True),
    ],
)
def test_failed_items_alone_are_retried_where_that_makes_the_job_whole(history: list[History], possible: bool) -> None:
    assert can_retry_failed(job_after(*history)) is possible


def test_a_finished_job_has_no_failed_items() -> None:
    assert not can_retry_failed(job_in(Phase.DONE))
