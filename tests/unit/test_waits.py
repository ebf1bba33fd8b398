"""The model of the waits: learns from the past alone, says only what it may, and is the same however it was built."""

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.waits.evaluate import Said, replay, table
from projections.waits.fold import fold
from projections.waits.predict import Prediction, predict
from projections.waits.promise import WIDEST, Aims, Promise, Stated, follow
from projections.waits.replay import BEGIN, events
from projections.waits.state import State, decode, encode
from projections.waits.steps import STEPS
from schemas import events as e
from schemas.envelope import SYSTEM, Recorded, time_text
from schemas.job import Job
from schemas.states import Phase
from tests.unit.journeys import EVENTS, PLAIN
from tests.unit.traces import queue_trace

TRACE = queue_trace(1)


def recorded(job: str, seconds: float, data: e.Event) -> Recorded:
    return Recorded(
        tenant="trace",
        partition=0,
        position=1,
        stream=job,
        version=1,
        recorded_at=BEGIN + timedelta(seconds=seconds),
        actor=SYSTEM,
        data=data,
    )


def requested(owner: str = "o1", size: float | None = 1000, kind: str = "export") -> e.JobRequested:
    return e.JobRequested(
        type=kind,
        ref="",
        title=None,
        owner=owner,
        input=None,
        settings=None,
        size=size,
        priority=0,
        not_before=None,
        definition=PLAIN,
        dedupe=None,
        again=False,
    )


def job_at(seconds: float, name: str = "new", phase: Phase = Phase.READY, started: float | None = None) -> Job:
    at = BEGIN + timedelta(seconds=seconds)
    return Job(
        id=name,
        ref="",
        tenant="trace",
        type="export",
        definition=PLAIN,
        owner="o1",
        title=None,
        size=1000,
        priority=0,
        dedupe=None,
        created_at=at,
        updated_at=at,
        version=1,
        position=1,
        phase=phase,
        ready_at=at,
        attempt_at=None if started is None else BEGIN + timedelta(seconds=started),
    )


def learnt(rows: int = 400) -> tuple[State, float]:
    """A state that has seen a trace, and the moment of its last event."""
    known, last = State(), 0.0
    for _, _, each in events(TRACE[:rows]):
        known = fold(known, each)
        last = (each.recorded_at - BEGIN).total_seconds()
    return known, last


def stated(prediction: Prediction) -> list[Stated]:
    return [each for each in (prediction.queue, prediction.work, prediction.total) if each]


def check(answer: Stated) -> None:
    """Steps people say, in order, never wider than may be shown."""
    assert answer.high in STEPS
    if answer.low is not None:
        assert answer.low in STEPS
        assert 0 < answer.low < answer.high <= WIDEST * answer.low


@pytest.mark.parametrize("seed", range(3))
def test_the_future_teaches_nothing(seed: int) -> None:
    """Whatever comes after a moment, in whatever order, what was stated before it is the same."""
    rows = queue_trace(seed)
    said = replay(rows)
    cut = rows[250].submitted
    chance = random.Random(seed)
    changed = [
        replace(row, ended=row.ended + chance.uniform(1, 9000), outcome=chance.choice(["finished", "failed"]))
        if row.started is not None and row.ended is not None and row.ended > cut
        else row
        for row in rows
    ]
    later = changed[251:]
    chance.shuffle(later)
    moved = [replace(row, submitted=cut + n, started=None, ended=None) for n, row in enumerate(later, start=1)]
    again = replay(changed[:251] + moved)
    assert [(each.queue, each.work) for each in again[:251]] == [(each.queue, each.work) for each in said[:251]]
    assert any(each.queue and each.work for each in said[:251])


def test_rebuild_equals_live_byte_for_byte() -> None:
    """However often the state is written and read again on the way."""
    live, rebuilt = State(), State()
    for number, (_, _, each) in enumerate(events(TRACE)):
        live, rebuilt = fold(live, each), fold(rebuilt, each)
        if number % 37 == 0:
            live = decode(encode(live))
    assert encode(live) == encode(rebuilt)


def test_what_is_stated_is_in_steps_people_say() -> None:
    said = replay(TRACE)
    answers = [answer for each in said for answer in (each.queue, each.work, each.work_at_start) if answer]
    for answer in answers:
        check(answer)
    assert sum(answer.low is not None for answer in answers) > len(TRACE) / 2


@given(st.lists(st.sampled_from([*EVENTS, requested(), requested("o2", None)]), max_size=30), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_no_order_of_events_raises(data: list[e.Event], seed: int) -> None:
    """Not even one that the log can't produce; and the state can always be written."""
    chance = random.Random(seed)
    known, at = State(), 0.0
    for each in data:
        at += chance.choice([0.0, 0.5, 20.0, 4000.0])
        known = fold(known, recorded(f"job{chance.randrange(3)}", at, each))
    assert encode(decode(encode(known))) == encode(known)
    for phase in (Phase.READY, Phase.WORKING):
        for answer in stated(predict(known, job_at(at, "job1", phase, started=0.0), BEGIN + timedelta(seconds=at))):
            check(answer)


@given(seed=st.integers(0, 40), more=st.integers(1, 60), size=st.floats(1, 1e6))
@settings(max_examples=60, deadline=None)
def test_more_work_ahead_never_shortens_the_wait(seed: int, more: int, size: float) -> None:
    """All else equal: the same moment, the same job, one more job of any size before it, again and again."""
    known, last = State(), 0.0
    for _, _, each in events(queue_trace(seed, 250)):
        known = fold(known, each)
        last = (each.recorded_at - BEGIN).total_seconds()
    job, at = job_at(last), BEGIN + timedelta(seconds=last)
    before = predict(known, job, at).queue
    for number in range(more):
        name = f"more{number}"
        known = fold(known, recorded(name, last, requested(f"other{number % 3}", size)))
        known = fold(known, recorded(name, last, e.JobQueued(run=1, ready_at=time_text(at))))
        after = predict(known, job, at).queue
        if before and after:
            assert after.high >= before.high
            if before.low is not None and after.low is not None:
                assert after.low >= before.low
        before = after


@given(elapsed=st.floats(0, 1e6))
@settings(max_examples=100, deadline=None)
def test_a_running_job_is_never_told_a_time_that_has_passed(elapsed: float) -> None:
    found = predict(LEARNT, job_at(0, "new", Phase.WORKING, started=0.0), BEGIN + timedelta(seconds=elapsed))
    if found.work:
        assert found.work.high > elapsed
        check(found.work)
    if found.overdue:
        assert found.work is None or found.work.low is None
        assert found.total is None


def test_bounds_learn_apart_from_ranges() -> None:
    """Bounds that miss move bounds alone, and ranges that miss move ranges alone."""
    aims = Aims(apart=True)
    bounds, ranges = Promise(), Promise()
    follow(bounds, Stated(None, 60), 100, aims=aims)
    follow(ranges, Stated(30, 60), 100, aims=aims)
    assert bounds.bound > 0 == bounds.high
    assert ranges.high > 0 == ranges.bound


def test_a_range_whose_low_end_has_passed_learns_from_its_high_end_alone() -> None:
    """What can't be missed any more must not pull the low ends of the others up."""
    known, _ = learnt()
    kind = known.tenants["trace"].kinds["export"]
    passed, later = kind.works_passed, kind.works_later
    assert passed.high != 0
    assert passed.low == 0 == passed.tried
    assert later.low != 0


def test_soon_after_it_came_a_job_is_told_what_it_was_told_then() -> None:
    """The line alone takes over little by little, so nothing jumps because a second went by."""
    known, last = learnt()
    at = time_text(BEGIN + timedelta(seconds=last))
    for number in range(60):
        known = fold(known, recorded(f"burst{number}", last, requested("o9")))
        known = fold(known, recorded(f"burst{number}", last, e.JobQueued(run=1, ready_at=at)))
    first = known.live["burst59"].queue
    assert first
    after = predict(known, job_at(last, "burst59"), BEGIN + timedelta(seconds=last + 1)).queue
    assert after
    assert abs(STEPS.index(after.high) - STEPS.index(first.high)) <= 1


def test_overdue_work_is_told_as_such() -> None:
    usual = predict(LEARNT, job_at(0, "new", Phase.WORKING, started=0.0), BEGIN).work
    assert usual is not None
    late = predict(LEARNT, job_at(0, "new", Phase.WORKING, started=0.0), BEGIN + timedelta(seconds=usual.high + 1))
    assert late.overdue


def test_nothing_is_said_before_enough_is_known() -> None:
    assert [replace(each, free=False) for each in replay(TRACE[:10])] == [Said()] * 10
    assert predict(State(), job_at(0), BEGIN) == Prediction()


def test_a_burst_makes_the_line_longer_than_usual() -> None:
    known, last = learnt()
    at = BEGIN + timedelta(seconds=last + 3600)
    assert not predict(known, job_at(last + 3600), at).longer
    for number in range(60):
        known = fold(known, recorded(f"burst{number}", last + 3600, requested("o9")))
        known = fold(known, recorded(f"burst{number}", last + 3600, e.JobQueued(run=1, ready_at=time_text(at))))
    assert predict(known, job_at(last + 3600), at).longer


def test_the_last_of_a_first_burst_is_not_told_what_the_first_was() -> None:
    """A line that was never met: what is stated grows with it, though only free slots were seen so far."""
    known, last = State(), 0.0
    for number in range(20):
        name, last = f"calm{number}", number * 600.0
        at = time_text(BEGIN + timedelta(seconds=last))
        known = fold(known, recorded(name, last, requested(f"o{number % 4}")))
        known = fold(known, recorded(name, last, e.JobQueued(run=1, ready_at=at)))
        known = fold(known, recorded(name, last + 0.1, e.AttemptStarted(run=1, attempt=1, worker="w")))
        finished = e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)
        known = fold(known, recorded(name, last + 20, finished))
    moment = BEGIN + timedelta(seconds=last + 600)
    told: list[int] = []
    for number in range(200):
        name = f"burst{number}"
        known = fold(known, recorded(name, last + 600, requested("o1")))
        known = fold(known, recorded(name, last + 600, e.JobQueued(run=1, ready_at=time_text(moment))))
        wait = known.live[name].queue
        assert wait
        told.append(wait.high)
    assert told == sorted(told)
    assert told[0] == 10
    assert told[-1] >= 200 * 20  # one at a time, as was seen


def test_a_slower_system_is_told_and_followed() -> None:
    """Work that takes three times longer is followed within 200 jobs."""
    rows = queue_trace(5, 900, every_s=400)
    turn = rows[500].submitted
    slow = [
        replace(row, ended=row.started + 3 * (row.ended - row.started))
        if row.started is not None and row.ended is not None and row.submitted >= turn
        else row
        for row in rows
    ]
    said = replay(slow)
    held = [
        each.work.low <= row.worked <= each.work.high
        for row, each in zip(slow[700:], said[700:], strict=True)
        if row.worked is not None and each.work and each.work.low is not None
    ]
    assert len(held) > 100
    assert sum(held) / len(held) >= 0.75


def test_ranges_hold_on_a_plain_queue() -> None:
    rows = queue_trace(3, 3000)
    scores = {part.what: part.score for part in table(rows, replay(rows)) if part.type is None}
    for what in ("work", "work_at_start", "queue"):
        held = scores[what].held
        assert held is not None
        assert 0.78 <= held <= 0.93


def test_waits_for_a_free_slot_are_judged_apart() -> None:
    scores = {part.what: part.score for part in table(TRACE, replay(TRACE)) if part.type is None}
    free, line, both = (scores[what].answers for what in ("queue_free", "queue_line", "queue"))
    assert min(free, line) > 0
    assert free + line == both
    assert scores["queue_free"].ranges == 0


def test_memory_stays_small() -> None:
    """A thousand pairs of tenant and type, each with its own jobs and owners, fit in 30 MB when written."""
    known = State()
    rows = queue_trace(1, 30, every_s=200)
    for pair in range(1000):
        for _, number, each in events(rows):
            data = each.data
            if isinstance(data, e.JobRequested):
                data = replace(data, owner=f"{data.owner}-{number % 5}")
            known = fold(
                known, replace(each, tenant=f"t{pair // 4}", stream=f"{pair}-{each.stream}", data=_typed(data, pair))
            )
    assert len(encode(known)) < 30_000_000


def _typed(data: e.Event, pair: int) -> e.Event:
    return replace(data, type=f"{data.type}{pair % 4}") if isinstance(data, e.JobRequested) else data


LEARNT = learnt()[0]
