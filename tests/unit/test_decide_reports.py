"""What a worker says: stages, progress and problems. An outdated lease changes nothing; work never goes back."""

from collections.abc import Mapping

import pytest

from schemas import events as e
from schemas import requests
from schemas.job import Progress
from schemas.problems import Problem
from schemas.states import HELD, LIVELY, Phase
from services.jobs.decide import REFUSALS_ON_RECORD_MAX
from services.jobs.reports import LEDGER_MAX_ITEMS, item_id
from tests.unit.spec import (
    BAD,
    ODD,
    PLAIN,
    STARTED,
    STORED_PHASES,
    At,
    Given,
    given,
    job_in,
    report,
)

BODIES = [
    requests.Heartbeat(),
    requests.Stage(name="reading"),
    requests.Progress(done=5, total=10),
    requests.Problems(items=[requests.ItemReport(row=17, reason="is missing")]),
    requests.Finish(result=requests.UploadedResult(upload="u")),
    requests.NeedsFix(text="The file is empty."),
    requests.Fail(reason="boom"),
    requests.Release(),
]
VERB = {type(body): verb for body in BODIES for verb, kind in requests.REPORTS.items() if type(body) is kind}


# An outdated lease


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("phase", [phase for phase in STORED_PHASES if phase not in HELD])
def test_a_lease_that_ended_changes_nothing_but_the_record(phase: Phase, body: requests.Body) -> None:
    told = Given(job_in(phase)).when(report(body))
    told.late(e.LateReportRefused(run=1, attempt=1, verb=VERB[type(body)]))


@pytest.mark.parametrize(("run", "attempt"), [(1, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize("body", BODIES)
def test_only_the_newest_attempt_may_report(run: int, attempt: int, body: requests.Body) -> None:
    second = e.AttemptStarted(run=1, attempt=2, worker="w2")
    taken = given(STARTED, e.AttemptReleased(run=1, attempt=1), second)
    taken.when(report(body, run=run, attempt=attempt)).late(
        e.LateReportRefused(run=run, attempt=attempt, verb=VERB[type(body)])
    )


def test_the_second_late_report_of_an_attempt_is_not_on_record() -> None:
    refused = e.LateReportRefused(run=1, attempt=1, verb="progress")
    given(STARTED, e.AttemptReleased(run=1, attempt=1), refused).when(report(requests.Release())).late()


def test_the_record_of_late_reports_is_bounded() -> None:
    many = [e.LateReportRefused(run=1, attempt=n, verb="fail") for n in range(10, 10 + REFUSALS_ON_RECORD_MAX)]
    given(*many).when(report(requests.Release())).late()


# Signs of life and stages


@pytest.mark.parametrize("phase", sorted(HELD))
def test_a_heartbeat_proves_a_process_and_no_work(phase: Phase) -> None:
    Given(job_in(phase)).when(report(requests.Heartbeat())).then()


def test_an_unknown_stage_is_refused_with_the_known_ones() -> None:
    refusal = given(STARTED).when(report(requests.Stage(name="baking"))).refused(Problem.INVALID)
    assert [(fault.pointer, fault.detail) for fault in refusal.faults] == [("/name", "must be one of reading, writing")]


def test_a_type_without_stages_takes_any() -> None:
    job = given(STARTED, kind=PLAIN).when(report(requests.Stage(name="baking"))).then(e.StageStarted(stage="baking"))
    assert (job.stage, job.phase) == ("baking", Phase.WORKING)


def test_a_stage_said_again_says_nothing() -> None:
    given(STARTED, e.StageStarted(stage="reading")).when(report(requests.Stage(name="reading"))).then()


@pytest.mark.parametrize("stage", ["reading", "writing"])
def test_a_stage_may_begin_again_or_go_back(stage: str) -> None:
    """A worker that reads once more after writing says so; its count begins anew."""
    worked = [STARTED, e.StageStarted(stage="writing"), e.ProgressReported(done=5, total=10)]
    job = given(*worked).when(report(requests.Stage(name=stage))).then(e.StageStarted(stage=stage))
    assert (job.stage, job.progress) == (stage, None)


def test_a_stage_first_tells_the_progress_that_was_held_back() -> None:
    held = Progress(7, 10, "rows")
    told = e.ProgressReported(done=7, total=10, unit="rows", last=False)
    begun = given(STARTED, e.StageStarted(stage="reading"), At(9.5, e.ProgressReported(done=5, total=10)))
    begun.when(report(requests.Stage(name="writing"), pending=held)).then(told, e.StageStarted(stage="writing"))


@pytest.mark.parametrize("phase", sorted(LIVELY))
def test_work_that_moves_ends_quiet_and_stuck(phase: Phase) -> None:
    for body in (requests.Stage(name="writing"), requests.Progress(done=11, total=20)):
        told = Given(job_in(phase)).when(report(body))
        assert isinstance(told.decision, list)
        assert told.then(*told.decision).phase is Phase.WORKING


# Progress


def progress(done: float, total: float | None = None, unit: str | None = None) -> requests.Progress:
    return requests.Progress(done=done, total=total, unit=unit)


SOME = At(9, e.ProgressReported(done=5, total=10, unit="rows"))  # told one second before a report


@pytest.mark.parametrize(("done", "total"), [(4, 10), (0, None), (5, 10), (5, None)])
def test_progress_never_goes_back_and_the_same_is_no_news(done: float, total: float | None) -> None:
    given(STARTED, SOME, kind=PLAIN).when(report(progress(done, total))).then()


def test_total_and_unit_stay_until_others_are_said() -> None:
    told = given(STARTED, SOME, kind=PLAIN).when(report(progress(6)))
    told.then(e.ProgressReported(done=6, total=10, unit="rows"))
    other = given(STARTED, SOME, kind=PLAIN).when(report(progress(5, 20, "lines")))
    other.then(e.ProgressReported(done=5, total=20, unit="lines"))


@pytest.mark.parametrize(("done", "total"), [(11, 10), (11, None)])
def test_more_than_the_total_can_not_be_done(done: float, total: float | None) -> None:
    refusal = given(STARTED, SOME, kind=PLAIN).when(report(progress(done, total))).refused(Problem.INVALID)
    assert [(fault.pointer, fault.detail) for fault in refusal.faults] == [("/done", "is more than the total of 10")]


def test_progress_within_a_second_is_held_back() -> None:
    begun = given(STARTED, SOME, kind=PLAIN)
    begun.when(report(progress(6), 9.999)).held_back(Progress(6, 10, "rows"))
    begun.when(report(progress(6), 10)).then(e.ProgressReported(done=6, total=10, unit="rows"))


def test_what_is_held_back_counts_as_said() -> None:
    held = Progress(7, 10, "rows")
    begun = given(STARTED, SOME, kind=PLAIN)
    begun.when(report(progress(6), 9.5, pending=held)).then()
    begun.when(report(progress(8), 9.5, pending=held)).held_back(Progress(8, 10, "rows"))
    begun.when(report(progress(11), 9.5, pending=held)).refused(Problem.INVALID)


def test_the_last_item_is_told_at_once() -> None:
    job = (
        given(STARTED, SOME, kind=PLAIN)
        .when(report(progress(10), 9.1))
        .then(e.ProgressReported(done=10, total=10, unit="rows"))
    )
    assert job.phase is Phase.FINALIZING


def test_a_total_that_grows_with_what_is_done_is_no_way_round_the_second() -> None:
    all_done = At(9, e.ProgressReported(done=10, total=10))
    given(STARTED, all_done, kind=PLAIN).when(report(progress(11, 11), 9.1)).held_back(Progress(11, 11, None))


def test_only_the_last_stage_is_the_end() -> None:
    first = given(STARTED, e.StageStarted(stage="reading"))
    told = first.when(report(progress(10, 10))).then(e.ProgressReported(done=10, total=10, last=False))
    assert told.phase is Phase.WORKING
    last = given(STARTED, e.StageStarted(stage="writing"))
    assert last.when(report(progress(10, 10))).then(e.ProgressReported(done=10, total=10)).phase is Phase.FINALIZING


# Items that failed


def problems(*items: requests.ItemReport) -> requests.Problems:
    return requests.Problems(items=list(items))


def said(row: int, reason: str = "is missing") -> requests.ItemReport:
    return requests.ItemReport(row=row, column="email", reason=reason)


KNOWN: Mapping[str, tuple[str | None, str | None]] = {"17": ("email", "is missing")}


def test_failed_items_are_told_with_their_reasons() -> None:
    job = given(STARTED).when(report(problems(said(17), said(18)))).then(e.ItemsFailed(items=(BAD, ODD), failed=2))
    assert job.problem
    assert (job.problem.cause, job.problem.row, job.problem.column) == ("items", 17, "email")


def test_a_repeated_report_says_nothing() -> None:
    given(STARTED, e.ItemsFailed(items=(BAD,), failed=1)).when(report(problems(said(17)), failed=KNOWN)).then()
    given(STARTED).when(report(problems())).then()


def test_only_what_is_new_or_other_is_told() -> None:
    known = given(STARTED, e.ItemsFailed(items=(BAD,), failed=1))
    known.when(report(problems(said(17), said(18)), failed=KNOWN)).then(e.ItemsFailed(items=(ODD,), failed=2))
    changed = e.Item(id="17", row=17, column="email", reason="is no address")
    told = known.when(report(problems(said(17, "is no address")), failed=KNOWN))
    told.then(e.ItemsFailed(items=(changed,), failed=1))


def test_the_last_word_on_an_item_counts() -> None:
    told = given(STARTED).when(report(problems(said(17, "is odd"), said(17))))
    told.then(e.ItemsFailed(items=(BAD,), failed=1))


def test_the_ledger_of_failed_items_is_bounded() -> None:
    full = e.ItemsFailed(items=(BAD,), failed=LEDGER_MAX_ITEMS)
    given(STARTED, full).when(report(problems(said(17)), failed=KNOWN)).then()
    refusal = given(STARTED, full).when(report(problems(said(18)), failed=KNOWN)).refused(Problem.TOO_LARGE)
    assert refusal.args["limit"] == LEDGER_MAX_ITEMS


def test_problems_first_tell_the_progress_that_was_held_back() -> None:
    told = given(STARTED, SOME, kind=PLAIN).when(report(problems(said(17)), pending=Progress(7, 10, None)))
    told.then(e.ProgressReported(done=7, total=10), e.ItemsFailed(items=(BAD,), failed=1))


def test_an_item_is_known_by_its_id_else_its_row_else_what_is_said_of_it() -> None:
    assert item_id(requests.ItemReport(id="a", row=3, reason="odd")) == "a"
    assert item_id(requests.ItemReport(id=0, row=3, reason="odd")) == "0"
    assert item_id(requests.ItemReport(row=0, reason="odd")) == "0"
    one, same, other = (item_id(requests.ItemReport(reason=reason)) for reason in ("odd", "odd", "even"))
    assert one == same != other
    assert len(one) == 16


# Asking a person, failing, giving back


def test_a_worker_asks_a_person_in_its_own_words() -> None:
    body = requests.NeedsFix(text="No date.", row=17, column="start_date", reason="is no date", next="Add it.")
    asked = e.NeedsFix(cause="asked", text="No date.", row=17, column="start_date", reason="is no date", next="Add it.")
    job = given(STARTED).when(report(body)).then(asked, now=10)
    assert (job.phase, job.worker, job.problem and job.problem.row) == (Phase.ASKING, None, 17)
    assert job.blocked_at == job.updated_at


@pytest.mark.parametrize("body", [requests.NeedsFix(text="?"), requests.Fail(reason="boom"), requests.Release()])
def test_the_last_words_of_an_attempt_first_tell_its_progress(body: requests.Body) -> None:
    told = given(STARTED, SOME, kind=PLAIN).when(report(body, pending=Progress(7, 10, None)))
    assert isinstance(told.decision, list)
    assert told.decision[0] == e.ProgressReported(done=7, total=10)
    told.then(*told.decision)


def test_an_attempt_that_is_given_back_does_not_count() -> None:
    job = (
        given(STARTED)
        .when(report(requests.Release(), 10))
        .then(e.AttemptReleased(run=1, attempt=1), e.JobQueued(run=1, ready_at="2026-11-24T12:00:10.000000Z"))
    )
    assert (job.phase, job.failures, job.worker, job.problem) == (Phase.READY, 0, None, None)


def test_a_result_that_was_not_found_in_its_place_finishes_nothing() -> None:
    given(STARTED).when(report(requests.Finish(result=requests.UploadedResult()))).refused(Problem.RESULT_MISSING)
