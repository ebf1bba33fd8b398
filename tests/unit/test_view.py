"""The view of a job in each situation: what the screen says, what it offers, and that all of it hangs together."""

from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.status.view import render, repeat_view
from schemas import events as e
from schemas.envelope import time_text
from schemas.job import Job, Ledger, Progress
from schemas.jobtypes import Definition, Place, Retry
from schemas.messages import LANGUAGES, say
from schemas.states import BLOCKED, ENDED, HELD, WAITING, Phase, State, visible
from schemas.views import JobView
from tests.unit.journeys import (
    ALL_COUNTED,
    BAD_ROW,
    BAD_ROWS,
    FILE,
    HALF,
    IMPORT,
    JOB_ID,
    LOST,
    NOTES,
    NOW,
    PLAIN,
    QUEUED,
    RUNNING,
    SITUATIONS,
    STARTED,
    STORED,
    WHOLE,
    journey,
)


def signed(path: str) -> str:
    return f"{path}?signature=s"


def shown(job: Job, language: str = "en") -> JobView:
    return render(job, language, sign=signed, as_of=NOW)


def names(view: JobView) -> list[str]:
    return [action.name for action in view.actions]


def at(tree: object, pointer: str) -> object:
    for part in pointer.split("/")[1:]:
        tree = tree[int(part)] if isinstance(tree, list) else cast(dict[str, object], tree)[part]
    return tree


def test_a_new_job_is_there_before_the_work_begins() -> None:
    view = shown(journey(IMPORT, QUEUED))
    assert (view.label, view.sentence) == ("Queued", "Waiting for a free worker.")
    assert view.state == State.QUEUED.value
    assert view.title == "Import"
    assert (view.button.label, view.button.action) == ("View status", "view")
    assert [(stage.label, stage.state) for stage in view.stages] == [
        ("Checking rows", "ahead"),
        ("Adding customers", "ahead"),
    ]
    assert (view.progress, view.liveness, view.problem, view.items) == (None, None, None, None)
    assert view.leave.text == "You can leave this page. We will keep working."
    assert view.result.place == "Your customers will appear in Contacts."
    assert names(view) == ["cancel"]
    assert view.actions[0].href == f"/v1/jobs/{JOB_ID}/cancel"


def test_work_is_shown_as_it_was_counted() -> None:
    view = shown(journey(IMPORT, *RUNNING, HALF))
    assert view.sentence == "Adding customers: 2,100 of 4,200 rows."
    assert [stage.state for stage in view.stages] == ["done", "now"]
    assert msgspec.json.encode(view.progress) == b'{"done":2100,"total":4200,"unit":"rows"}'
    assert view.liveness == "working"
    assert (view.label, view.stage) == ("Running", "adding")
    german = shown(journey(IMPORT, *RUNNING, HALF), "de")
    assert german.sentence == "Kunden werden angelegt: 2.100 von 4.200 (Zeilen)."
    assert german.label == "Läuft"


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (None, "Still working."),
        (Progress(1, None, None), "Still working: 1 row so far."),
        (Progress(0, None, None), "Still working: 0 rows so far."),
        (Progress(1, 1, None), "Still working: 1 of 1 row."),
        (Progress(0.5, 2, "GB"), "Still working: 0.5 of 2 GB."),
    ],
)
def test_without_a_stage_only_what_is_known_is_said(progress: Progress | None, said: str) -> None:
    assert shown(replace(journey(PLAIN, QUEUED, STARTED), phase=Phase.WORKING, progress=progress)).sentence == said


def test_a_stage_without_a_label_is_called_by_its_name() -> None:
    job = replace(journey(PLAIN, QUEUED, STARTED), phase=Phase.WORKING, stage="writing_csv")
    assert shown(job).sentence == "Writing csv."


def test_bad_rows_are_told_while_the_rest_goes_on() -> None:
    view = shown(journey(IMPORT, *RUNNING, HALF, BAD_ROWS))
    assert view.sentence == "Import running. 4 rows need attention."
    assert view.problem
    assert (view.problem.row, view.problem.column, view.problem.reason) == (17, "start_date", "is not a date")
    assert (view.problem.count, view.problem.still_running) == (4, True)
    assert names(view) == ["download_problems", "cancel"]
    assert view.actions[0].label == "Download 4 problem rows"
    assert view.actions[0].href == signed(f"/v1/jobs/{JOB_ID}/problems")


def test_a_full_count_ends_the_job_only_in_its_last_stage() -> None:
    checking = (QUEUED, STARTED, e.StageStarted(stage="checking"), ALL_COUNTED)
    assert shown(journey(IMPORT, *checking)).sentence == "Checking rows: 4,200 of 4,200 rows."
    assert shown(journey(IMPORT, *RUNNING, ALL_COUNTED)).sentence == "The work is done. Storing your result."
    assert shown(journey(IMPORT, *checking, STORED)).sentence == "The work is done. Storing your result."


def test_a_lost_try_is_told_and_its_progress_is_gone() -> None:
    view = shown(journey(IMPORT, *RUNNING, HALF, LOST, QUEUED))
    assert view.sentence == "The last try stopped early. Waiting for a free worker to try again."
    assert view.problem
    assert view.problem.text == "We do not know why the last try stopped early."
    assert view.problem.still_running
    assert "do not need to do anything" in view.problem.next
    assert view.progress is None
    assert {stage.state for stage in view.stages} == {"ahead"}
    assert names(view) == ["cancel"]


def test_a_failed_try_says_what_the_worker_said() -> None:
    failed = e.AttemptFailed(run=1, attempt=1, reason="429", retryable=True, text="The model is busy.")
    view = shown(journey(NOTES, QUEUED, STARTED, failed))
    assert view.sentence == "The last try failed. We will try again on our own."
    assert view.problem
    assert view.problem.text == "The model is busy."
    assert "/problem/text" not in view.messages


def test_a_try_that_resumes_keeps_its_finished_stages() -> None:
    resuming = replace(IMPORT, retry=Retry(mode="resumes"))
    assert [stage.state for stage in shown(journey(resuming, *RUNNING, LOST)).stages] == ["done", "ahead"]


def test_quiet_and_stuck_look_different_from_working() -> None:
    quiet = shown(journey(IMPORT, *RUNNING, e.AttemptQuiet(silent_s=60)))
    stuck = shown(journey(IMPORT, *RUNNING, e.AttemptStuck(silent_s=600)))
    assert (quiet.liveness, stuck.liveness) == ("quiet", "stuck")
    assert quiet.sentence.startswith("Adding customers: still running")
    assert stuck.problem
    assert stuck.problem.still_running
    assert stuck.problem.next.startswith("Keep waiting, or cancel the job")


def test_one_bad_row_is_named_in_the_sentence() -> None:
    asked = e.NeedsFix(cause="asked", text="row 17 has an invalid date in start_date", row=17, column="start_date")
    view = shown(journey(IMPORT, *RUNNING, asked))
    assert (view.label, view.sentence) == ("Needs fix", "row 17 has an invalid date in start_date")
    assert view.problem
    assert view.problem.next == "Fix start_date in row 17, then retry. Need help? Contact support with IM-7F3K9MQ2."
    assert not view.problem.still_running
    assert [stage.state for stage in view.stages] == ["done", "ahead"]
    assert names(view) == ["retry", "cancel"]
    assert view.wait.text == "There is no finish estimate while this job needs a fix."


def test_one_failed_row_leaves_the_sentence_to_the_worker() -> None:
    one = e.ItemsFailed(items=(BAD_ROW,), failed=1)
    view = shown(journey(IMPORT, *RUNNING, one, e.NeedsFix(cause="asked", text="row 17 has a bad date")))
    assert view.sentence == "row 17 has a bad date"
    assert view.problem
    assert view.problem.next.startswith("Fix start_date in row 17, then retry.")
    assert names(view)[:2] == ["download_problems", "retry_failed"]


def test_several_bad_rows_are_counted_and_retried_alone() -> None:
    view = shown(journey(IMPORT, *RUNNING, HALF, BAD_ROWS, e.NeedsFix(cause="asked", text="Some dates are wrong.")))
    assert view.sentence == "4 rows need attention."
    assert view.problem
    assert (view.problem.text, view.problem.row, view.problem.count) == ("Some dates are wrong.", 17, 4)
    assert view.problem.next.startswith("Download the problem rows, fix what is wrong, and retry only those.")
    assert names(view) == ["download_problems", "retry_failed", "retry", "cancel"]
    assert [action.label for action in view.actions[1:3]] == ["Retry 4 failed rows", "Retry everything safely"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_no_place_is_named_nobody_is_told_to_fix_anything(language: str) -> None:
    """As of notes for which the model took too long: they are fine as they are."""
    late = e.ItemsFailed(items=(e.Item(id="7", reason="The model took longer than 2 seconds"),), failed=1)
    running = shown(journey(NOTES, *RUNNING, late), language)
    ended = shown(
        journey(NOTES, *RUNNING, late, STORED, e.JobFinished(run=1, attempt=1, ready=27, failed=1, total=28)), language
    )
    for view in (running, ended):
        assert view.problem
        assert "fix" not in view.problem.next
        assert "beheben" not in view.problem.next
    assert (running.messages["/problem/next"].id, ended.messages["/problem/next"].id) == (
        "next-items-running-again",
        "next-items-again",
    )
    assert {"download_problems", "retry_failed"} <= set(names(ended))


@pytest.mark.parametrize(
    ("row", "column", "step"),
    [
        (17, None, "Fix row 17, then retry."),
        (None, "email", "Fix email, then retry."),
        (None, None, "Fix this, then retry."),
    ],
)
def test_the_next_step_names_as_much_as_is_known(row: int | None, column: str | None, step: str) -> None:
    asked = e.NeedsFix(cause="asked", text="A date is wrong.", row=row, column=column)
    view = shown(journey(IMPORT, *RUNNING, asked))
    assert view.problem
    assert view.problem.next == f"{step} Need help? Contact support with IM-7F3K9MQ2."


def test_a_worker_that_says_nothing_is_still_put_into_words() -> None:
    view = shown(journey(IMPORT, *RUNNING, e.NeedsFix(cause="asked")))
    assert view.sentence == "This job needs a fix from you."
    assert view.problem
    assert view.problem.text == view.sentence


def test_a_partial_result_without_counts_is_told_plainly() -> None:
    job = replace(journey(PLAIN, QUEUED), phase=Phase.PARTLY_DONE, result=FILE)
    assert shown(job).sentence == "Your result is ready, but some parts of it failed."
    assert names(shown(job)) == ["download", "retry", "again"]
    assert repeat_view(job, NOW, NOW, ["owner"], "en").text.endswith("You can retry it.")


def test_a_job_that_was_given_up_says_so_and_offers_its_retry() -> None:
    gave_up = e.NeedsFix(cause="gave_up", text="The file is too big.", next="Try a smaller file")
    view = shown(journey(IMPORT, *RUNNING, LOST, gave_up))
    assert view.sentence == "The job stopped after 1 try and no longer runs."
    assert view.problem
    assert view.problem.text == "The file is too big."
    assert view.problem.next == "Try a smaller file. Need help? Contact support with IM-7F3K9MQ2."
    assert names(view)[0] == "retry"


def test_finished_means_it_can_be_opened() -> None:
    view = shown(journey(IMPORT, *RUNNING, ALL_COUNTED, STORED, WHOLE))
    assert (view.label, view.sentence) == ("Finished", "Your file is ready to download: orders.csv")
    assert view.result.ready
    assert (view.result.href, view.result.name, view.result.size) == (
        signed(f"/v1/jobs/{JOB_ID}/result"),
        "orders.csv",
        1_234_567,
    )
    assert {stage.state for stage in view.stages} == {"done"}
    assert names(view) == ["download", "again"]
    assert view.wait.text == "This job has ended."
    assert view.items
    assert (view.items.ready, view.items.failed, view.items.open, view.items.total) == (4200, 0, 0, 4200)
    inline = e.ResultStored(result=e.StoredResult(inline={"answer": 42}))
    assert shown(journey(IMPORT, *RUNNING, ALL_COUNTED, inline, WHOLE)).sentence == "Your result is ready to open."


def test_a_result_that_waits_for_its_end_is_not_offered() -> None:
    view = shown(journey(IMPORT, *RUNNING, ALL_COUNTED, STORED))
    assert (view.result.ready, view.result.href, view.result.name) == (False, None, None)
    assert "download" not in names(view)


@pytest.mark.parametrize(
    ("ready", "failed", "said"),
    [
        (23, 5, "23 summaries are ready. Retry 5 failed notes."),
        (1, 1, "1 summary is ready. Retry 1 failed note."),
        (0, 2, "No summaries are ready yet. Retry 2 failed notes."),
        (12_500, 2, "12,500 summaries are ready. Retry 2 failed notes."),
    ],
)
def test_what_is_ready_stays_and_what_failed_is_retried(ready: int, failed: int, said: str) -> None:
    ledger = Ledger(total=ready + failed, failed=failed, closed=True)
    job = replace(journey(NOTES, QUEUED), phase=Phase.PARTLY_DONE, ledger=ledger)
    view = shown(job)
    assert view.sentence == said
    assert names(view) == ["download_problems", "retry_failed", "again"]
    retry = view.actions[1]
    assert retry.needs_confirmation
    assert retry.warning
    assert retry.warning.endswith("This could make a new result or another charge.")
    assert f" {failed} failed note" in retry.warning


def test_a_canceled_job_leaves_the_button_free() -> None:
    view = shown(journey(IMPORT, QUEUED, e.CancelRequested(held=False), e.JobCanceled()))
    assert (view.label, view.sentence) == ("Canceled", "Stopped, as requested.")
    assert (view.button.label, view.button.action) == ("Start again", "start")
    assert view.result.place == "This job was canceled, so no result will appear."
    assert names(view) == ["retry", "again"]


def test_a_job_that_is_being_stopped_offers_no_second_stop() -> None:
    view = shown(journey(IMPORT, *RUNNING, e.CancelRequested(held=True)))
    assert (view.label, view.sentence, view.actions) == ("Running", "Stopping, as requested.", [])
    assert view.leave.text == "You can leave this page. We will finish stopping the job."


def test_a_page_that_must_stay_open_says_so_until_the_end() -> None:
    held = Definition(title="Upload", leave=False)
    assert shown(journey(held, QUEUED)).leave.safe is False
    assert shown(journey(held, QUEUED, e.CancelRequested(held=False), e.JobCanceled())).leave.safe is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_default_place_is_where_the_person_is(language: str) -> None:
    done = journey(PLAIN, QUEUED, STARTED, ALL_COUNTED, STORED, WHOLE)
    assert shown(journey(PLAIN, QUEUED)).result.place == "Your result will appear here."
    assert shown(done).result.place == "Your result is here."
    told = replace(PLAIN, result=Place({"en": "Look here", "de": "Sehen Sie hier"}))
    assert (
        shown(replace(done, definition=told), language).result.place
        == {"en": "Look here", "de": "Sehen Sie hier"}[language]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_view_hangs_together(language: str) -> None:
    """In every reachable situation: pointers give the same text, and the parts agree about the state."""
    for job in SITUATIONS:
        view = shown(job, language)
        tree = msgspec.json.decode(msgspec.json.encode(view))
        for pointer, message in view.messages.items():
            assert at(tree, pointer) == say(language, message.id, message.args)
        assert {"/label", "/button/label", "/leave/text", "/wait/text"} <= set(view.messages)
        assert {f"/actions/{n}/label" for n in range(len(view.actions))} <= set(view.messages)
        assert view.state == visible(job.phase).value
        assert [stage.state for stage in view.stages].count("now") <= (job.phase in HELD)
        assert (view.liveness is None) == (job.phase not in HELD)
        assert view.result.ready == ("download" in names(view))
        assert ("again" in names(view)) == (job.phase in ENDED)
        if view.problem:
            assert view.problem.still_running == (job.phase in HELD | WAITING)
        assert bool(view.problem) >= (job.phase in BLOCKED)
        if view.items:
            assert view.items.ready + view.items.failed + view.items.open == view.items.total
        assert JOB_ID not in " ".join([view.sentence, *(action.label for action in view.actions)])


def test_a_view_is_read_back_as_it_was_written() -> None:
    view = shown(journey(IMPORT, *RUNNING, HALF, BAD_ROWS))
    assert msgspec.json.decode(msgspec.json.encode(view), type=JobView) == view


def test_without_a_signature_links_are_plain_paths() -> None:
    view = render(journey(IMPORT, *RUNNING, ALL_COUNTED, STORED, WHOLE), "en", as_of=NOW)
    assert view.result.href == f"/v1/jobs/{JOB_ID}/result"


COUNTS = st.integers(0, 10**12)


@given(COUNTS, st.none() | COUNTS, st.sampled_from(LANGUAGES), st.sampled_from([IMPORT, NOTES, PLAIN]))
def test_any_count_can_be_said(done: int, total: int | None, language: str, definition: Definition) -> None:
    job = replace(journey(definition, *RUNNING), progress=Progress(float(done), total, None))
    view = shown(job, language)
    assert view.progress
    assert isinstance(view.progress.done, int)
    group = {"en": ",", "de": "."}[language]
    assert f"{done:,}".replace(",", group) in view.sentence


def test_a_retry_of_what_failed_keeps_the_result_open() -> None:
    """The 23 summaries that are ready stay within reach while the 5 others are done again."""
    partial = e.JobFinished(run=1, attempt=1, ready=23, failed=5, total=28)
    partly = journey(NOTES, *RUNNING, BAD_ROWS, STORED, partial)
    assert render(partly, "en", as_of=NOW).result.ready
    retry = e.RetryRequested(run=2, scope="failed_items", plan="0" * 32)
    again = journey(NOTES, *RUNNING, BAD_ROWS, STORED, partial, retry, e.JobQueued(run=2, ready_at=time_text(NOW)))
    assert render(again, "en", as_of=NOW).result.ready
    afresh = e.RetryRequested(run=2, scope="all", plan="0" * 32)
    assert not render(journey(IMPORT, *RUNNING, BAD_ROWS, STORED, partial, afresh), "en", as_of=NOW).result.ready
