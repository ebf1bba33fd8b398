"""Every event in every phase: the table's answer, and a refusal for all that the table does not allow."""

from pathlib import Path

import pytest

from projections.status.states_page import page
from schemas.events import EVENTS
from schemas.states import (
    ACTIVE,
    BLOCKED,
    CLAIMABLE,
    ENDED,
    HELD,
    LIVELY,
    RETRYABLE,
    SAME,
    TRANSITIONS,
    VISIBLE,
    WAITING,
    ImpossibleTransition,
    Phase,
    State,
    next_phase,
    visible,
)
from tests.unit.journeys import PLAIN, situations

PAIRS = [(phase, event, variant) for phase in Phase for event, variant in TRANSITIONS]


@pytest.mark.parametrize(("phase", "event", "variant"), PAIRS)
def test_every_pair(phase: Phase, event: str, variant: str) -> None:
    sources, target = TRANSITIONS[event, variant]
    if phase in sources:
        assert next_phase(phase, event, variant) is (phase if target is SAME else target)
    else:
        with pytest.raises(ImpossibleTransition, match=f"{event} {variant} can't come in phase {phase}"):
            next_phase(phase, event, variant)


@pytest.mark.parametrize(("event", "variant"), [("JobFinished", ""), ("JobFinished", "odd"), ("Nothing", "")])
def test_unknown_events_are_refused_in_every_phase(event: str, variant: str) -> None:
    for phase in Phase:
        with pytest.raises(ImpossibleTransition):
            next_phase(phase, event, variant)


def test_every_phase_but_the_first_has_a_visible_state() -> None:
    assert set(VISIBLE) == set(Phase) - {Phase.NEW}
    assert {visible(phase) for phase in VISIBLE} == set(State)


def test_every_phase_can_be_reached() -> None:
    assert {job.phase for job in situations(PLAIN).values()} == set(Phase) - {Phase.NEW}


def test_the_named_sets_agree_with_the_visible_states() -> None:
    words = {
        State.QUEUED: WAITING | {Phase.REQUESTED},
        State.RUNNING: HELD,
        State.NEEDS_FIX: BLOCKED,
        State.FINISHED: {Phase.DONE, Phase.PARTLY_DONE},
        State.CANCELED: {Phase.STOPPED, Phase.EXPIRED},
    }
    for state, phases in words.items():
        assert {phase for phase in VISIBLE if visible(phase) is state} == phases
    assert ACTIVE | ENDED | {Phase.REQUESTED} == set(VISIBLE)
    assert not ACTIVE & ENDED
    assert CLAIMABLE <= WAITING
    assert LIVELY < HELD
    assert {phase for phase in Phase if phase in TRANSITIONS["RetryRequested", ""][0]} == RETRYABLE


def test_an_ended_job_begins_again_only_by_a_retry() -> None:
    leaving = {
        event
        for (event, _), (sources, target) in TRANSITIONS.items()
        if sources & ENDED and target is not SAME and target not in ENDED
    }
    assert leaving == {"RetryRequested"}


def test_every_event_of_a_job_has_its_rules() -> None:
    assert {event for event, _ in TRANSITIONS} == set(EVENTS) - {"JobTypeDefined", "AuditRead", "PersonErased"}


def test_the_page_in_docs_is_current() -> None:
    """Written by `make docs`."""
    committed = Path(__file__).parents[2] / "docs" / "states.md"
    assert committed.read_text(encoding="utf-8") == page()
