"""The fold: one job from its events, with a ledger whose sum always holds, whatever was delivered twice."""

import pytest
from msgspec.structs import replace

from projections.status.fold import fold, is_active
from schemas import events as e
from schemas.job import Job, Ledger
from schemas.jobtypes import Definition, Retry
from schemas.states import ACTIVE, ENDED, ImpossibleTransition, Phase
from tests.unit.spec import (
    BAD,
    FAILED,
    FILE,
    LOST,
    NOTES,
    ODD,
    PARTLY,
    PLAIN,
    STARTED,
    STORED,
    STORED_PHASES,
    At,
    History,
    after,
    folded,
    job_after,
    job_in,
    recorded,
    requested,
    text_after,
)


def counts(job: Job) -> tuple[int, int, int, int]:
    """ready, failed, open, total"""
    ledger = job.ledger
    assert ledger
    assert ledger.ready + ledger.failed + ledger.open == ledger.total
    assert min(ledger.ready, ledger.failed, ledger.open) >= 0
    return ledger.ready, ledger.failed, ledger.open, ledger.total


def progress(done: float, total: float | None = None, *, last: bool = True) -> e.ProgressReported:
    return e.ProgressReported(done=done, total=total, last=last)


def again(run: int, scope: str = "all", *, attempt: int = 1) -> list[e.Event]:
    return [
        e.RetryRequested(run=run, scope=scope, plan=""),
        e.JobQueued(run=run, ready_at=text_after(0)),
        e.AttemptStarted(run=run, attempt=attempt, worker="w1"),
    ]


def bad(*items: e.Item, failed: int) -> e.ItemsFailed:
    return e.ItemsFailed(items=items, failed=failed)


def finished(run: int, ready: int, failed: int, total: int) -> list[e.Event]:
    return [STORED, e.JobFinished(run=run, attempt=1, ready=ready, failed=failed, total=total)]


# The stream itself


def test_a_stream_begins_with_its_request() -> None:
    with pytest.raises(ValueError, match="begins with JobRequested, not JobDelayed"):
        fold(None, recorded(e.JobDelayed(ready_at=text_after(0)), 1))


def test_a_job_is_what_was_requested() -> None:
    first = requested(PLAIN, title="Orders", size=3, priority=9)
    job = folded(first)
    assert (job.title, job.size, job.priority, job.owner, job.ref) == ("Orders", 3, 9, "ann", first.ref)
    assert (job.phase, job.version, job.clicks, job.run, job.attempt) == (Phase.REQUESTED, 1, 1, 1, 0)


@pytest.mark.parametrize("phase", STORED_PHASES)
def test_an_event_delivered_again_changes_nothing(phase: Phase) -> None:
    job = job_in(phase)
    assert fold(job, recorded(e.RequestRepeated(clicks=9), job.version)) is job
    assert fold(job, recorded(STARTED, 1)) is job


def test_every_event_moves_version_position_and_time() -> None:
    job = job_after(At(5, STARTED))
    assert (job.version, job.position, job.updated_at) == (3, 3, after(5))


def test_what_can_not_come_is_a_bug_and_said_loudly() -> None:
    with pytest.raises(ImpossibleTransition):
        job_after(STORED)


@pytest.mark.parametrize("phase", STORED_PHASES)
def test_a_job_is_active_until_it_ends(phase: Phase) -> None:
    assert is_active(job_in(phase)) is (phase in ACTIVE)
    assert is_active(job_in(phase)) is (phase not in ENDED)


# The ledger within a run


def test_counted_work_is_ready_less_what_failed() -> None:
    assert counts(job_after(STARTED, progress(4, 10), bad(BAD, failed=1), kind=PLAIN)) == (3, 1, 6, 10)


def test_work_of_an_earlier_stage_is_not_ready() -> None:
    assert counts(job_after(STARTED, progress(4, 10, last=False))) == (0, 0, 10, 10)


def test_without_a_total_nothing_is_counted() -> None:
    assert job_after(STARTED, progress(4)).ledger is None
    assert counts(job_after(STARTED, progress(4, 10), progress(5))) == (4, 0, 6, 10)


def test_failed_items_beyond_the_total_raise_it() -> None:
    assert counts(job_after(STARTED, bad(BAD, ODD, failed=2))) == (0, 2, 0, 2)
    assert counts(job_after(STARTED, bad(BAD, ODD, failed=2), progress(1, 1), kind=PLAIN)) == (0, 2, 0, 2)


def test_a_total_may_shrink_while_the_run_learns_it() -> None:
    assert counts(job_after(STARTED, progress(1, 100), progress(2, 50))) == (2, 0, 48, 50)


def test_the_end_closes_the_ledger() -> None:
    job = job_after(STARTED, progress(4, 10), bad(BAD, failed=1), *finished(1, 9, 1, 10))
    assert counts(job) == (9, 1, 0, 10)
    assert job.problem
    assert (job.problem.cause, job.problem.row) == ("items", 17)


def test_a_fresh_attempt_counts_from_nothing() -> None:
    """What a lost worker of a job that starts afresh has done counts for nothing."""
    queued = e.JobQueued(run=1, ready_at=text_after(0))
    second = e.AttemptStarted(run=1, attempt=2, worker="w2")
    history = [STARTED, progress(4, 10), bad(BAD, failed=1), LOST, queued]
    assert counts(job_after(*history)) == (3, 1, 6, 10)
    assert counts(job_after(*history, second)) == (0, 0, 10, 10)
    resumed = job_after(*history, second, kind=NOTES)
    assert counts(resumed) == (3, 1, 6, 10)
    assert resumed.problem
    assert resumed.problem.cause == "items"


# The ledger over runs


def test_failed_items_are_retried_run_after_run() -> None:
    """5 of 28 fail, then 2 of the 5, then none."""
    first = [STARTED, progress(28, 28), bad(*(e.Item(id=str(n)) for n in range(5)), failed=5)]
    history: list[History] = [*first, *finished(1, 23, 5, 28)]
    assert counts(job_after(*history, kind=NOTES)) == (23, 5, 0, 28)
    history += again(2, "failed_items")
    assert counts(job_after(*history, kind=NOTES)) == (23, 0, 5, 28)
    history += [progress(3, 5)]
    assert counts(job_after(*history, kind=NOTES)) == (26, 0, 2, 28)
    history += [bad(e.Item(id="1"), e.Item(id="2"), failed=2), progress(5, 5)]
    assert counts(job_after(*history, kind=NOTES)) == (26, 2, 0, 28)
    history += finished(2, 26, 2, 28)
    assert counts(job_after(*history, kind=NOTES)) == (26, 2, 0, 28)
    history += [*again(3, "failed_items"), *finished(3, 28, 0, 28)]
    assert counts(job_after(*history, kind=NOTES)) == (28, 0, 0, 28)


def test_a_run_of_everything_begins_afresh_or_resumes() -> None:
    history: list[History] = [*PARTLY, *again(2)]
    fresh, resumed = job_after(*history), job_after(*history, kind=NOTES)
    assert (counts(fresh), fresh.result, fresh.listed_from, fresh.open_from) == ((0, 0, 10, 10), None, 2, 2)
    assert (counts(resumed), resumed.result, resumed.listed_from, resumed.open_from) == ((9, 0, 1, 10), FILE, 1, 1)


@pytest.mark.parametrize(("done", "total"), [(1, 5), (24, 28)])
def test_a_resumed_run_may_count_all_or_only_what_was_left(done: float, total: float) -> None:
    history = [STARTED, progress(23, 28), e.NeedsFix(cause="asked", text="?"), *again(2), progress(done, total)]
    assert counts(job_after(*history, kind=NOTES)) == (24, 0, 4, 28)


def test_a_run_without_a_ledger_has_none_after_a_retry() -> None:
    for kind in (PLAIN, NOTES):
        job = job_after(STARTED, e.NeedsFix(cause="asked", text="?"), *again(2), kind=kind)
        assert (job.ledger, job.result) == (None, None)


ENDS: list[list[e.Event]] = [
    [e.AttemptFailed(run=2, attempt=1, reason="boom", retryable=False), e.NeedsFix(cause="gave_up")],
    [e.AttemptFailed(run=2, attempt=1, reason="late", retryable=False), e.NeedsFix(cause="overdue")],
    [e.CancelRequested(held=True), e.AttemptReleased(run=2, attempt=1), e.JobCanceled()],
    [e.NeedsFix(cause="asked", text="The key was refused.")],
]


@pytest.mark.parametrize("end", ENDS)
def test_a_run_of_failed_items_that_stops_short_leaves_them_failed(end: list[e.Event]) -> None:
    """Nobody knows what it did, so its items can be retried as before: never a dead end."""
    job = job_after(*PARTLY, *again(2, "failed_items"), progress(1, 1), *end, kind=NOTES)
    assert counts(job) == (9, 1, 0, 10)


def test_an_item_that_the_run_was_not_asked_to_do_is_failed_too() -> None:
    beyond = e.ItemsFailed(items=(ODD,), failed=1, beyond=1)
    assert counts(job_after(*PARTLY, *again(2, "failed_items"), beyond, *ENDS[0])) == (8, 2, 0, 10)


def test_a_run_of_failed_items_that_asks_has_gone_through_them() -> None:
    two: list[History] = [STARTED, bad(BAD, ODD, failed=2), *finished(1, 8, 2, 10)]
    asked = e.NeedsFix(cause="asked", text="Row 17: email is missing.")
    job = job_after(*two, *again(2, "failed_items"), progress(2, 2), bad(BAD, failed=1), asked)
    assert counts(job) == (9, 1, 0, 10)
    assert (job.open_from, job.open_attempt) == (2, 1)


def test_a_job_stopped_before_its_retry_began_keeps_its_failed_items() -> None:
    waiting = [*PARTLY, *again(2, "failed_items")[:2], e.CancelRequested(held=False), e.JobCanceled()]
    assert counts(job_after(*waiting)) == (9, 1, 0, 10)


# What a person reads


def test_a_retry_clears_what_was_wrong() -> None:
    job = job_after(STARTED, FAILED, e.NeedsFix(cause="gave_up", text="No luck."), *again(2)[:1])
    assert (job.problem, job.blocked_at, job.failures, job.attempt, job.due_from) == (None, None, 0, 0, None)


def test_a_question_names_the_first_bad_row_where_it_names_none_itself() -> None:
    asked = e.NeedsFix(cause="asked", text="Two rows need attention.")
    job = job_after(STARTED, bad(BAD, ODD, failed=2), asked)
    assert job.problem
    assert (job.problem.cause, job.problem.row, job.problem.column, job.problem.reason) == (
        "asked",
        17,
        "email",
        "is missing",
    )
    other = e.NeedsFix(cause="asked", text="?", row=0, column="id", reason="is odd")
    told = job_after(STARTED, bad(BAD, failed=1), other).problem
    assert told
    assert (told.row, told.column, told.reason) == (0, "id", "is odd")


def test_the_first_bad_row_is_named_however_many_follow() -> None:
    job = job_after(STARTED, bad(BAD, failed=1), bad(ODD, failed=2))
    assert job.problem
    assert job.problem.row == 17


def test_waiting_for_the_next_attempt_says_why_until_it_begins() -> None:
    queued = e.JobQueued(run=1, ready_at=text_after(5))
    job = job_after(STARTED, FAILED, e.RetryScheduled(run=1, attempt=1, at=text_after(5)), queued)
    assert job.problem
    assert job.problem.cause == "failed"
    assert fold(job, recorded(replace(STARTED, attempt=2), job.version + 1)).problem is None


def test_a_deadline_is_counted_from_when_the_run_could_first_start() -> None:
    queued = e.JobQueued(run=1, ready_at=text_after(90))
    job = job_after(STARTED, e.AttemptReleased(run=1, attempt=1), queued)
    assert (job.ready_at, job.due_from) == (after(90), after(0))


def test_late_reports_are_on_record() -> None:
    job = job_after(e.LateReportRefused(run=1, attempt=1, verb="fail"), e.LateReportRefused(run=1, attempt=2, verb="x"))
    assert job.refused == ("1.1", "1.2")


def test_a_ledger_of_nothing_is_empty() -> None:
    assert (Ledger().ready, Ledger().open) == (0, 0)
    assert counts(job_after(STARTED, progress(0, 0), kind=Definition(title="x", retry=Retry()))) == (0, 0, 0, 0)
