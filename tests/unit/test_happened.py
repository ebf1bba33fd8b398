"""A job's story in plain words: who, what, and what is worth knowing, in both languages."""

import pytest

from projections.status.fold import fold
from schemas import events as e
from schemas.envelope import SYSTEM, Actor, Recorded
from schemas.job import Job
from schemas.jobtypes import Definition, Stage
from schemas.messages import LANGUAGES
from services.commands.happened import WHO, happened, who
from tests.unit.journeys import NOW

DEFINITION = Definition(title="Export", stages=(Stage(name="reading", label={"en": "Reading", "de": "Lesen"}),))
REQUESTED = e.JobRequested(
    type="orders.export", ref="EX-1", title=None, owner="ann", input=None, settings=None, size=None, priority=0,
    not_before=None, definition=DEFINITION, dedupe=None, again=False,
)  # fmt: skip


def recorded(event: e.Event, actor: Actor = SYSTEM) -> Recorded:
    return Recorded(
        tenant="acme", partition=0, position=1, stream="1", version=1, recorded_at=NOW, actor=actor, data=event
    )


def job() -> Job:
    return fold(None, recorded(REQUESTED))


SAID = {
    "stage": (e.StageStarted(stage="reading"), "Next step: Reading", "Nächster Schritt: Lesen"),
    "other stage": (e.StageStarted(stage="odd"), "Next step: odd", "Nächster Schritt: odd"),
    "failed": (
        e.AttemptFailed(run=1, attempt=1, reason="disk is full", retryable=True),
        "The try failed: disk is full",
        "Der Versuch ist nicht gelungen: disk is full",
    ),
    "items": (
        e.ItemsFailed(items=(e.Item(id="17", row=17, column="start_date", reason="is not a date"),), failed=1),
        "Items need attention: 17, start_date, is not a date",
        "Etwas braucht Aufmerksamkeit: 17, start_date, is not a date",
    ),
    "again": (e.RequestRepeated(clicks=3), "Clicked again: met this job: 3", "Noch ein Klick: traf diesen Auftrag: 3"),
    "started": (e.AttemptStarted(run=1, attempt=1, worker="w-1"), "A worker began: w-1", "Die Arbeit begann: w-1"),
}


@pytest.mark.parametrize(("event", "english", "german"), SAID.values(), ids=list(SAID))
def test_an_event_is_told_in_plain_words(event: e.Event, english: str, german: str) -> None:
    assert happened("en", recorded(event), job()) == english
    assert happened("de", recorded(event), job()) == german


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_has_a_name(language: str) -> None:
    for kind in WHO:
        actor = Actor(kind, "ann")
        assert who(language, actor) == "Tidings" if kind == "system" else "ann" in who(language, actor)
