"""The end of a run: the result, and a ledger whose sum always holds."""

import pytest
from msgspec.structs import replace

from schemas import events as e
from schemas import requests
from schemas.job import Progress
from schemas.problems import Problem
from schemas.states import HELD, Phase
from tests.unit.spec import (
    BAD,
    FILE,
    NOTES,
    PARTLY,
    PLAIN,
    STARTED,
    STORED,
    Given,
    History,
    given,
    job_in,
    report,
    text_after,
)

Items = requests.ItemCounts | list[requests.FinishedItem] | None
Facts = dict[str, tuple[str | None, str | None]]


def finish(items: Items = None) -> requests.Finish:
    return requests.Finish(result=requests.UploadedResult(upload="u"), items=items)


def counts(ready: int | None = None, failed: int | None = None, total: int | None = None) -> requests.ItemCounts:
    return requests.ItemCounts(ready=ready, failed=failed, total=total)


def closed(ready: int | None, failed: int | None, total: int | None, *items: e.Item) -> e.JobFinished:
    return e.JobFinished(run=1, attempt=1, ready=ready, failed=failed, total=total, items=items)


def named(id_: str, reason: str | None = None, **fields: object) -> requests.FinishedItem:
    return requests.FinishedItem(id=id_, reason=reason, **fields)  # type: ignore[arg-type]  # named like its fields


HALF: list[History] = [STARTED, e.ProgressReported(done=5, total=10)]
ONE_BAD: list[History] = [*HALF, e.ItemsFailed(items=(BAD,), failed=1)]


@pytest.mark.parametrize("phase", sorted(HELD))
def test_a_worker_may_finish_whenever_it_holds_the_job(phase: Phase) -> None:
    told = Given(job_in(phase)).when(report(finish(), result=FILE))
    assert isinstance(told.decision, list)
    job = told.then(*told.decision, now=10)
    assert (job.phase, job.result, job.worker) == (Phase.DONE, FILE, None)
    assert job.finished_at == job.updated_at


def test_a_job_that_counts_no_items_counts_none_at_its_end() -> None:
    assert given(STARTED).when(report(finish(), result=FILE)).then(STORED, closed(None, None, None)).ledger is None


@pytest.mark.parametrize(
    ("history", "items", "end"),
    [
        (HALF, None, (10, 0, 10)),
        (ONE_BAD, None, (9, 1, 10)),
        (ONE_BAD, counts(), (9, 1, 10)),
        (ONE_BAD, counts(9, 1, 10), (9, 1, 10)),
        (ONE_BAD, counts(ready=9), (9, 1, 10)),
        (ONE_BAD, counts(total=20), (19, 1, 20)),
        ([STARTED], counts(ready=3), (3, 0, 3)),
        ([STARTED], counts(total=0), (0, 0, 0)),
    ],
)
def test_counts_close_the_ledger(history: list[History], items: Items, end: tuple[int, int, int]) -> None:
    job = given(*history, kind=PLAIN).when(report(finish(items), result=FILE)).then(STORED, closed(*end))
    assert job.ledger
    assert (job.ledger.ready, job.ledger.failed, job.ledger.total, job.ledger.open) == (*end, 0)
    assert job.phase is (Phase.PARTLY_DONE if end[1] else Phase.DONE)


@pytest.mark.parametrize(
    ("items", "pointer", "detail"),
    [
        (counts(8, 1, 10), "/items", "ready (8) and failed (1) must add up to the total (10)"),
        (counts(total=0), "/items", "ready (-1) and failed (1) must add up to the total (0)"),
        (
            counts(8, 2, 10),
            "/items/failed",
            "is not how many items were reported as failed (1); report each with its reason",
        ),
    ],
)
def test_counts_that_can_not_be_true_are_refused(items: Items, pointer: str, detail: str) -> None:
    refusal = given(*ONE_BAD, kind=PLAIN).when(report(finish(items), result=FILE)).refused(Problem.INVALID)
    assert [(fault.pointer, fault.detail) for fault in refusal.faults] == [(pointer, detail)]


def test_items_named_at_the_end_are_ready_or_failed() -> None:
    body = finish([named("a"), named("b", "is odd"), named("c", state="failed"), named("d", state="ready")])
    bad = e.ItemsFailed(items=(e.Item(id="b", reason="is odd"), e.Item(id="c")), failed=2)
    told = given(STARTED).when(report(body, result=FILE))
    told.then(bad, STORED, closed(2, 2, 4, e.Item(id="a"), e.Item(id="d")))


def test_an_item_that_failed_before_and_is_named_ready_is_ready() -> None:
    failed: Facts = {"17": ("email", "is missing")}
    told = given(*ONE_BAD, kind=PLAIN).when(report(finish([named("17")]), failed=failed, result=FILE))
    assert told.then(STORED, closed(10, 0, 10, e.Item(id="17"))).phase is Phase.DONE


def test_items_named_ready_add_to_those_that_failed_before_and_the_last_word_counts() -> None:
    failed = e.ItemsFailed(items=(BAD,), failed=1)
    ready = [named("1"), named("2", "is odd"), named("2")]
    told = given(STARTED, failed).when(report(finish(ready), result=FILE))
    told.then(STORED, closed(2, 1, 3, *(e.Item(id=n) for n in ("1", "2"))))


def test_too_many_failed_items_at_the_end_are_refused() -> None:
    full = e.ItemsFailed(items=(BAD,), failed=10_000)
    given(STARTED, full).when(report(finish([named("x", "is odd")]), result=FILE)).refused(Problem.TOO_LARGE)


def test_the_end_first_tells_the_progress_that_was_held_back() -> None:
    told = given(*HALF, kind=PLAIN).when(report(finish(), pending=Progress(9, 12, None), result=FILE))
    told.then(e.ProgressReported(done=9, total=12), STORED, closed(12, 0, 12))


def retried(kind_history: list[e.Event]) -> Given:
    return given(
        *kind_history,
        e.RetryRequested(run=2, scope="failed_items", plan=""),
        e.JobQueued(run=2, ready_at=text_after(0)),
        e.AttemptStarted(run=2, attempt=1, worker="w1"),
        kind=NOTES,
    )


def test_a_run_of_failed_items_closes_the_whole_job() -> None:
    run = retried(PARTLY).when(report(finish(counts(1, 0, 1)), run=2, result=FILE))
    whole = replace(closed(10, 0, 10), run=2)
    assert run.then(STORED, whole).phase is Phase.DONE


def test_an_item_beyond_those_that_were_asked_for_is_told_as_such() -> None:
    body = requests.Problems(items=[requests.ItemReport(id="17", reason="x"), requests.ItemReport(id="99", reason="x")])
    items = (e.Item(id="17", reason="x"), e.Item(id="99", reason="x"))
    told = retried(PARTLY).when(report(body, run=2, still_open=frozenset({"17"})))
    told.then(e.ItemsFailed(items=items, failed=2, beyond=1))


def test_an_item_that_fails_once_more_stays_failed() -> None:
    run = retried(PARTLY)
    again = e.ItemsFailed(items=(e.Item(id="17", reason="is odd"),), failed=1)
    told = run.when(report(finish([named("17", "is odd")]), run=2, result=FILE, still_open=frozenset({"17"})))
    job = told.then(again, STORED, replace(closed(9, 1, 10), run=2))
    assert job.phase is Phase.PARTLY_DONE
