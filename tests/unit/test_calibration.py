"""How stated waits are judged and counted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.waits.calibration import (
    QUEUE,
    QUEUE_SHOWN,
    RECENT,
    TOTAL,
    WORK,
    WORK_AT_START,
    WORK_SHOWN,
    Page,
    Tally,
)
from projections.waits.judge import worst_stretch
from schemas import events as e
from schemas.envelope import SYSTEM, Recorded
from schemas.events import Bounds, EstimateStated
from tests.unit.journeys import EVENTS
from tests.unit.test_waits import requested

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
START = e.AttemptStarted(run=1, attempt=1, worker="w")
FINISH = e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)


def said(when: str, queue: Bounds | None = None, work: Bounds | None = None, total: Bounds | None = None) -> e.Event:
    return EstimateStated(when=when, queue=queue, work=work, total=total)


def bounds(low: int | None, high: int) -> Bounds:
    return Bounds(low_s=low, high_s=high)


def page(*events: tuple[float, e.Event]) -> Page:
    found = Page({})
    for n, (seconds, data) in enumerate(events, start=1):
        found.take(
            Recorded(
                tenant="acme",
                partition=0,
                position=n,
                stream="job",
                version=n,
                recorded_at=AT + timedelta(seconds=seconds),
                actor=SYSTEM,
                data=data,
            )
        )
    return found


def test_each_statement_is_judged_when_the_truth_is_known() -> None:
    found = page(
        (0, requested()),
        (0, said("accepted", bounds(60, 240), bounds(120, 300), bounds(180, 480))),
        (100, said("shown", bounds(None, 60))),
        (130, START),
        (130, said("started", work=bounds(60, 120))),
        (200, said("shown", work=bounds(None, 180))),
        (330, FINISH),
    )
    assert found.came == [
        ("acme", "export", QUEUE, bounds(60, 240), 130.0),
        ("acme", "export", QUEUE_SHOWN, bounds(None, 60), 30.0),
        ("acme", "export", WORK, bounds(120, 300), 200.0),
        ("acme", "export", TOTAL, bounds(180, 480), 330.0),
        ("acme", "export", WORK_AT_START, bounds(60, 120), 200.0),
        ("acme", "export", WORK_SHOWN, bounds(None, 180), 200.0),
    ]
    assert found.open == {}


def test_what_was_not_said_counts_as_none() -> None:
    found = page((0, requested()), (5, START), (9, FINISH))
    assert [(part, bounds) for _, _, part, bounds, _ in found.came] == [
        (QUEUE, None),
        (WORK, None),
        (TOTAL, None),
        (WORK_AT_START, None),
    ]


@pytest.mark.parametrize(
    "end",
    [
        e.AttemptFailed(run=1, attempt=1, reason="boom", retryable=True),
        e.AttemptLost(run=1, attempt=1, worker="w"),
        e.JobCanceled(),
        e.NeedsFix(cause="asked"),
    ],
)
def test_a_try_that_ends_otherwise_is_not_judged(end: e.Event) -> None:
    found = page(
        (0, requested()), (0, said("accepted", work=bounds(1, 2))), (1, START), (2, end), (3, START), (4, FINISH)
    )
    assert [part for _, _, part, _, _ in found.came] == [QUEUE]
    assert found.open == {}


@given(st.lists(st.sampled_from([requested(), START, FINISH, said("shown"), *EVENTS]), max_size=30))
def test_no_order_of_events_raises(events: list[e.Event]) -> None:
    page(*enumerate(events))


@given(
    st.lists(
        st.tuples(
            st.none() | st.tuples(st.none() | st.integers(1, 50), st.integers(50, 100)),
            st.floats(0, 150),
        ),
        max_size=450,
    )
)
def test_the_counts_add_up(answers: list[tuple[tuple[int | None, int] | None, float]]) -> None:
    tally, held = Tally(), []
    for stated, seconds in answers:
        tally.count(bounds(*stated) if stated else None, seconds)
        if stated and stated[0] is not None:
            held.append(stated[0] <= seconds <= stated[1])
    assert tally.answers == len(answers)
    assert tally.held + tally.below + tally.above == tally.ranges == len(held)
    assert tally.bounds + tally.ranges <= tally.answers
    assert sum(tally.widths.values()) == tally.ranges
    said = [((*stated, round(seconds, 1))) for stated, seconds in answers if stated]
    assert tally.recent == said[-RECENT:]
    worst = worst_stretch(held)
    assert (tally.worst is None) == (worst is None)
    if worst is not None and tally.worst is not None:
        assert tally.worst == round(worst * 200)


def test_the_median_width() -> None:
    tally = Tally()
    for high in (20, 30, 80):
        tally.count(bounds(10, high), 15)
    assert tally.median_width() == 3.0
    assert Tally().median_width() is None
