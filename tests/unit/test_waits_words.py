"""Waits in words: what is said at each moment, in two languages, and what does not flicker."""

from datetime import UTC, datetime

import pytest

from projections.status.words import Script
from projections.waits.predict import Prediction
from projections.waits.promise import Stated
from projections.waits.words import steady, wait_view
from schemas.messages import LANGUAGES, say
from schemas.states import Phase
from tests.unit.test_waits import job_at

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
QUEUED = Prediction(Stated(60, 240), Stated(120, 300), Stated(240, 600))


def text(found: Prediction, phase: Phase = Phase.READY, language: str = "en") -> str:
    return wait_view(job_at(0, phase=phase), found, Script(language), AT).text


@pytest.mark.parametrize(
    ("found", "phase", "words"),
    [
        (QUEUED, Phase.READY, "Queued now. Expected start in 1 to 4 minutes."),
        (Prediction(Stated(None, 28_800)), Phase.READY, "Usually starts within 8 hours."),
        (Prediction(Stated(45, 120)), Phase.READY, "Queued now. Expected start in 45 seconds to 2 minutes."),
        (
            Prediction(Stated(60, 240), longer=True),
            Phase.READY,
            "Queued now. Expected start in 1 to 4 minutes. The line is longer than usual.",
        ),
        (Prediction(work=Stated(120, 300)), Phase.WORKING, "Most jobs this size finish in 2 to 5 minutes."),
        (Prediction(work=Stated(None, 3600)), Phase.WORKING, "9 in 10 jobs this size finish within 1 hour."),
        (
            Prediction(work=Stated(120, 300), slower=True),
            Phase.WORKING,
            "Most jobs this size finish in 2 to 5 minutes. This kind of work is slower than usual right now.",
        ),
        (
            Prediction(work=Stated(None, 1200), overdue=True),
            Phase.WORKING,
            "Taking longer than most. 9 in 10 like it finish within 20 minutes.",
        ),
        (
            Prediction(),
            Phase.READY,
            "This job has no reliable finish estimate yet. We will update status as steps complete.",
        ),
        (QUEUED, Phase.DONE, "This job has ended."),
        (QUEUED, Phase.ASKING, "There is no finish estimate while this job needs a fix."),
    ],
)
def test_what_is_said(found: Prediction, phase: Phase, words: str) -> None:
    assert text(found, phase) == words


def test_the_same_in_german() -> None:
    assert text(QUEUED, language="de") == "Wartet auf den Start, voraussichtlich in 1 bis 4 Minuten."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_follows_from_its_message(language: str) -> None:
    """So that a stored view can be served in any language."""
    script = Script(language)
    view = wait_view(job_at(0), QUEUED, script, AT)
    assert view.queue is not None
    assert view.work is not None
    assert view.total is not None
    for pointer, said in (("queue", view.queue.text), ("work", view.work.text), ("total", view.total.text)):
        known = script.messages[f"/wait/{pointer}/text"]
        assert say(language, known.id, known.args) == said


def test_a_bound_has_no_lower_end() -> None:
    view = wait_view(job_at(0), Prediction(Stated(None, 10)), Script("en"), AT)
    assert view.queue is not None
    assert (view.queue.low_s, view.queue.high_s, view.reliable) == (None, 10.0, True)


def test_one_step_does_not_flicker() -> None:
    near = Prediction(Stated(60, 300), Stated(120, 300), Stated(300, 600))
    assert steady(QUEUED, near) == QUEUED
    far = Prediction(Stated(120, 360), Stated(120, 300), Stated(300, 600))
    assert steady(QUEUED, far).queue == Stated(120, 360)


def test_overdue_is_told_at_once() -> None:
    late = Prediction(work=Stated(None, 360), overdue=True)
    assert steady(Prediction(work=Stated(120, 300)), late) == late
