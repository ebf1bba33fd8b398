"""Before a retry and after a repeated click: what would run, what stays, and where the first click stands."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.status.view import age_words, plan_view, render, repeat_view, with_repeat
from schemas import events as e
from schemas.job import Job, Ledger
from schemas.jobtypes import Definition, Mode, Retry, Safety
from schemas.messages import LANGUAGES, say
from schemas.states import Phase
from tests.unit.journeys import (
    ALL_COUNTED,
    BAD_ROWS,
    IMPORT,
    JOB_ID,
    LOST,
    NOTES,
    NOW,
    PARTIAL,
    PLAIN,
    QUEUED,
    RUNNING,
    SITUATIONS,
    STORED,
    WHOLE,
    journey,
)

COUNTS = st.integers(0, 10**12)


@given(COUNTS, COUNTS, st.sampled_from(LANGUAGES), st.sampled_from(["all", "failed_items"]))
def test_any_ledger_can_be_planned(ready: int, failed: int, language: str, scope: str) -> None:
    job = replace(journey(NOTES, QUEUED), ledger=Ledger(total=ready + failed, failed=failed, closed=True))
    plan = plan_view(job, scope, ["1", "2"], language, "d")
    assert plan.keeps == ready
    assert plan.runs.count == (2 if scope == "failed_items" else failed)
    assert "  " not in plan.text


def planned(
    definition: Definition, scope: str, safety: Safety, mode: Mode, language: str = "en"
) -> tuple[str, str | None]:
    ledger = Ledger(total=4200, failed=4, closed=True)
    job = replace(journey(definition, QUEUED), phase=Phase.PARTLY_DONE, ledger=ledger)
    job = replace(job, definition=replace(definition, retry=Retry(safety=safety, mode=mode)))
    plan = plan_view(job, scope, [str(n) for n in range(4)], language, "digest")
    assert (plan.safety, plan.mode, plan.scope, plan.plan) == (safety, mode, scope, "digest")
    return plan.text, plan.confirm_text


def test_a_plan_says_what_runs_what_stays_and_what_it_may_do() -> None:
    assert planned(IMPORT, "failed_items", "safe", "starts_fresh") == (
        "Runs 4 failed rows again. Keeps 4,196 rows that are done. This is safe: nothing is done twice.",
        None,
    )
    assert planned(IMPORT, "failed_items", "may_duplicate", "starts_fresh") == (
        "Runs 4 failed rows again. Keeps 4,196 rows that are done.",
        "This could add rows twice. Retry anyway?",
    )
    assert planned(NOTES, "all", "may_charge", "starts_fresh") == (
        "Runs the whole job again from the beginning.",
        "This could make a new result or another charge. Retry anyway?",
    )
    assert planned(NOTES, "all", "safe", "resumes") == (
        "Goes on where the job stopped. Keeps 4,196 summaries that are done. This is safe: nothing is done twice.",
        None,
    )
    assert planned(IMPORT, "failed_items", "may_duplicate", "resumes", "de") == (
        "Nur das nicht Gelungene läuft noch einmal: 4 Zeilen. 4.196 Zeilen bleiben erhalten.",
        "Dabei könnten Zeilen doppelt angelegt werden. Trotzdem erneut versuchen?",
    )


def test_a_job_without_items_runs_as_one_and_shows_at_most_100_ids() -> None:
    job = journey(PLAIN, *RUNNING, LOST, e.NeedsFix(cause="gave_up"))
    assert plan_view(job, "all", [], "en", "d").runs.count == 1
    many = plan_view(job, "failed_items", [str(n) for n in range(250)], "en", "d")
    assert (many.runs.count, len(many.runs.ids), many.keeps) == (250, 100, 0)


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (0, ("now", 0)),
        (9.9, ("now", 0)),
        (10, ("seconds", 10)),
        (59.9, ("seconds", 59)),
        (60, ("minutes", 1)),
        (3599, ("minutes", 59)),
        (3600, ("hours", 1)),
        (86_399, ("hours", 23)),
        (86_400, ("days", 1)),
        (864_000, ("days", 10)),
    ],
)
def test_ages(age_s: float, words: tuple[str, int]) -> None:
    assert age_words(age_s) == words


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (journey(IMPORT, QUEUED), "It is waiting to start."),
        (journey(IMPORT, *RUNNING), "It is running."),
        (journey(IMPORT, *RUNNING, LOST), "It will try again on its own."),
        (journey(IMPORT, *RUNNING, e.CancelRequested(held=True)), "It is being stopped."),
        (
            journey(IMPORT, *RUNNING, e.NeedsFix(cause="asked", text="Reconnect the account.")),
            "It needs a fix: Reconnect the account.",
        ),
        (
            journey(IMPORT, *RUNNING, LOST, e.NeedsFix(cause="gave_up")),
            "It could not be finished. You can retry it.",
        ),
        (journey(IMPORT, *RUNNING, ALL_COUNTED, STORED, WHOLE), "It is finished."),
        (
            journey(IMPORT, *RUNNING, BAD_ROWS, STORED, PARTIAL),
            "It is finished, but 4 rows failed. You can retry only those.",
        ),
        (
            journey(IMPORT, QUEUED, e.CancelRequested(held=False), e.JobCanceled()),
            "It was canceled. You can retry it.",
        ),
    ],
)
def test_a_repeat_says_where_the_first_click_stands(job: Job, said: str) -> None:
    repeat = repeat_view(job, NOW - timedelta(minutes=2), NOW, ["owner", "input"], "en")
    assert repeat.text == f"You already started this 2 minutes ago. {said}"
    assert (repeat.of, repeat.age_s, repeat.same) == (JOB_ID, 120.0, ["owner", "input"])
    assert repeat.first_at == "2026-11-24T11:58:00.000000Z"


def test_a_repeat_by_anyone_does_not_say_you() -> None:
    job = journey(IMPORT, *RUNNING)
    assert repeat_view(job, NOW, NOW, ["input"], "en").text == "This was already started just now. It is running."
    assert repeat_view(job, NOW + timedelta(1), NOW, ["owner"], "de").text == (
        "Das haben Sie gerade eben schon gestartet. Es läuft."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_repeat_in_every_situation_carries_its_message(language: str) -> None:
    for job in SITUATIONS:
        first_at = NOW - timedelta(hours=3)
        view = with_repeat(
            render(job, language, as_of=NOW), job, language, reopened=True, first_at=first_at, now=NOW, same=["owner"]
        )
        assert view.reopened is True
        assert view.repeat
        known = view.messages["/repeat/text"]
        assert view.repeat.text == say(language, known.id, known.args)
