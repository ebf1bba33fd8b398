"""What is true of the moment: who waits where, what may be said while commands are decided, what silence is usual."""

import random
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from eventstore.tail import Tail
from projections.waits.learnt import Learnt, decode, encode, learn
from projections.waits.moment import Moment, Reason, look, moment, news, place, rounded, stated, statement
from projections.waits.places import ALIVE_S, Places
from projections.waits.predict import Prediction
from projections.waits.promise import Stated
from projections.waits.replay import BEGIN, events
from projections.waits.signs import FLOOR_S, Signs
from schemas import events as e
from schemas.envelope import time_text
from schemas.job import Job
from schemas.states import Phase
from services.jobs.decide import decide_estimate
from services.waits.waits import Waits
from services.waits.workers import Workers
from tests.unit.journeys import EVENTS
from tests.unit.test_waits import job_at, recorded, requested
from tests.unit.traces import queue_trace

TRACE = queue_trace(3)
LAST = max(row.submitted for row in TRACE)
AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NOBODY: dict[tuple[str, str], frozenset[str]] = {}
FOUND = Prediction(Stated(60, 240), Stated(120, 300), Stated(240, 600))
HAPPENED = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([requested(), *EVENTS])), max_size=60)
START = e.AttemptStarted(run=1, attempt=1, worker="w")


def taught() -> Learnt:
    known = Learnt()
    for position, (_, _, each) in enumerate(events(TRACE), start=1):
        learn(known, replace(each, position=position))
    return known


class NoPool:
    """Nothing is asked of it."""


def waits(known: Learnt) -> Waits:
    found = Waits(NoPool(), {0: Tail(NoPool(), 0)})  # type: ignore[arg-type]  # never used
    found.followers[0].known = known
    found.followers[0].caught_up.set()
    return found


async def test_jobs_of_one_append_stand_in_line_and_leave_no_trace() -> None:
    known = taught()
    before = encode(known)
    stating = waits(known).stating[0]
    now = BEGIN + timedelta(seconds=LAST)
    stating._follower.places._acted["trace", "export"] = now  # a worker is there
    highs = []
    for n in range(120):
        said = stating.accepted(job_at(LAST, f"new-{n:03}"), now)  # ids rise, as they are claimed by them
        assert said is not None
        highs.append(said.queue.high_s if said.queue else 10**9)
    assert highs == sorted(highs)
    assert highs[0] < highs[-1]
    assert encode(known) != before  # they stand in the line
    stating.over()
    assert encode(known) == before  # to the bit


async def test_nothing_is_stated_before_enough_is_known_or_caught_up() -> None:
    fresh = waits(Learnt()).stating[0]
    assert fresh.accepted(job_at(0), BEGIN) is None
    assert fresh.started(job_at(0, phase=Phase.STARTING, started=0), BEGIN) is None
    late = waits(taught())
    late.followers[0].caught_up.clear()
    assert late.stating[0].accepted(job_at(LAST), BEGIN) is None
    assert late.moment(job_at(LAST), BEGIN) == Moment()


async def test_at_the_start_the_work_is_stated_and_what_silence_is_unusual() -> None:
    known = taught()
    for n in range(20):
        job = f"s{n}"
        for at, data in ((0.0, requested()), (1.0, START), (2.0, e.StageStarted(stage="reading")), (302.0, finished())):
            learn(known, recorded(job, LAST + 1000 * n + at, data))
    said = waits(known).stating[0].started(job_at(LAST, "new", Phase.STARTING, LAST), BEGIN + timedelta(seconds=LAST))
    assert said is not None
    assert said.when == "started"
    assert said.work is not None
    assert said.queue is None
    assert said.quiet["reading"] == pytest.approx(600, rel=0.1)
    assert said.quiet[""] >= FLOOR_S


def finished() -> e.Event:
    return e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)


async def test_a_watched_job_does_not_flicker_and_never_shows_a_range_that_has_passed() -> None:
    shown = waits(taught())
    started = job_at(LAST, "new", Phase.WORKING, LAST)
    first = shown.moment(started, BEGIN + timedelta(seconds=LAST))
    shown.show(started.id, first)
    assert first.found.work
    for seconds in range(1, 4000, 7):
        now = shown.moment(started, BEGIN + timedelta(seconds=LAST + seconds))
        shown.show(started.id, now)
        assert now.found.work is None or now.found.work.high > seconds
    shown.hide(started.id)


async def test_a_waiting_job_is_told_the_same_for_a_second_while_others_only_join() -> None:
    shown, at = waits(taught()), BEGIN + timedelta(seconds=LAST)
    shown.workers.asks("trace", "w-1", ("export",))
    for name in ("first", "new"):
        join(shown, name, requested())
        join(shown, name, queued(LAST))
    job = job_at(LAST, "new")
    told = shown.moment(job, at)
    assert told.reason
    assert told.reason.ahead == 1
    join(shown, "third", requested())
    join(shown, "third", queued(LAST + 1))
    assert shown.moment(job, at) is told
    assert shown.moment(replace(job, version=2), at) is not told
    assert shown.moment(job, at) is not told  # the one before came later
    assert shown.moment(job, at + timedelta(seconds=2)) is not told
    told = shown.moment(job, at)
    join(shown, "first", START)
    started = shown.moment(job, at).reason
    assert started
    assert started.ahead == 0, "at once, not a second later"
    told = shown.moment(job, at)
    shown.workers.leaves("trace", "w-1")
    assert shown.moment(job, at) is not told


async def test_a_job_that_becomes_ready_is_told_so_within_the_second() -> None:
    shown, at = waits(taught()), BEGIN + timedelta(seconds=LAST)
    shown.workers.asks("trace", "w-1", ("export",))
    job = replace(job_at(LAST, "later"), ready_at=at + timedelta(milliseconds=2))
    reasons = [shown.moment(job, at + timedelta(milliseconds=after)).reason for after in (0, 1, 2)]
    assert [each.name for each in reasons if each] == ["not_before", "not_before", "workers_busy"]


async def test_who_passes_a_waiting_job_is_counted_at_once() -> None:
    shown, at = waits(taught()), BEGIN + timedelta(seconds=LAST)
    shown.workers.asks("trace", "w-1", ("export",))
    join(shown, "new", requested())
    join(shown, "new", queued(LAST))
    job = job_at(LAST, "new")
    assert (shown.moment(job, at).reason or Reason("", "")).ahead == 0
    join(shown, "urgent", replace(requested(), priority=5))
    join(shown, "urgent", queued(LAST + 1))
    assert (shown.moment(job, at).reason or Reason("", "")).ahead == 1


def join(shown: Waits, job: str, data: e.Event) -> None:
    follower = shown.followers[0]
    follower._take([replace(recorded(job, LAST + 1, data), position=follower.known.position + 1)])


@pytest.mark.parametrize(("count", "told"), [(0, 0), (99, 99), (100, 100), (101, 100), (137, 140), (1_250, 1_300)])
def test_many_are_rounded_to_two_digits(count: int, told: int) -> None:
    assert rounded(count) == (told, count > 100)


@given(st.integers(0, 10**7))
def test_rounding_stays_near(count: int) -> None:
    told, about = rounded(count)
    assert abs(told - count) <= 0.05 * count
    assert about == (count > 100)


def places(*happened: tuple[str, float, e.Event]) -> Places:
    found = Places()
    for job, seconds, data in happened:
        found.hear(recorded(job, seconds, data))
    return found


def queued(seconds: float) -> e.Event:
    return e.JobQueued(run=1, ready_at=time_text(BEGIN + timedelta(seconds=seconds)))


def reason(found: Places, job: Job, seconds: float) -> Reason | None:
    at = BEGIN + timedelta(seconds=seconds)
    return moment(Learnt(), found, place(found, NOBODY.get, job, at), job, at).reason


def test_without_a_worker_nothing_is_said_of_the_start() -> None:
    known = taught()
    now = BEGIN + timedelta(seconds=LAST)
    alone = moment(known, Places(), place(Places(), NOBODY.get, job_at(LAST), now), job_at(LAST), now)
    assert alone.reason
    assert alone.reason.name == "no_workers"
    assert (alone.found.queue, alone.found.total) == (None, None)
    assert alone.found.work is not None
    there = place(Places(), lambda _: frozenset({"export"}), job_at(LAST), now)
    served = moment(known, Places(), there, job_at(LAST), now)
    assert served.reason
    assert served.reason.name == "workers_busy"
    assert served.found.queue is not None


def test_a_worker_is_there_while_it_works_and_a_minute_after() -> None:
    found = places(("a", 0, requested()), ("a", 0, queued(0)), ("a", 1, START))
    assert (reason(found, job_at(5), 3600) or Reason("", "")).name == "workers_busy"
    found.hear(recorded("a", 3600, finished()))
    assert (reason(found, job_at(5), 3600 + ALIVE_S - 1) or Reason("", "")).name == "workers_busy"
    assert (reason(found, job_at(5), 3600 + ALIVE_S + 1) or Reason("", "")).name == "no_workers"


def test_a_lost_worker_is_not_there() -> None:
    found = places(("a", 0, requested()), ("a", 0, queued(0)), ("a", 1, START))
    found.hear(recorded("a", 100, e.AttemptLost(run=1, attempt=1, worker="w")))
    assert (reason(found, job_at(5), 101) or Reason("", "")).name == "no_workers"


@given(HAPPENED)
def test_no_order_of_events_breaks_what_is_known_of_places(happened: list[tuple[str, e.Event]]) -> None:
    found = places(*((job, float(n), data) for n, (job, data) in enumerate(happened)))
    assert all(count > 0 for count in found._of_kind.values())
    assert all(list(line) == sorted(line) for line in found._lines.values())
    at_work = [entry for entry in found.jobs.values() if entry.worker]
    assert sum(found._of_kind.values()) == len(at_work) == len(found._working)


@settings(max_examples=30)
@given(st.data())
def test_what_was_learnt_is_the_same_from_any_snapshot_on(data: st.DataObject) -> None:
    happened = data.draw(HAPPENED)
    cut = data.draw(st.integers(0, len(happened)))
    whole, part = Learnt(), Learnt()
    for n, (job, event) in enumerate(happened):
        if n == cut:
            part = decode(encode(part))
        each = replace(recorded(job, n * 37.5, event), position=n + 1)
        learn(whole, each)
        learn(part, each)
    assert encode(part) == encode(whole)


def test_what_is_stated_comes_back_as_it_was_shown() -> None:
    said = statement(replace(FOUND, longer=True), "accepted")
    assert said is not None
    job = replace(job_at(0), estimate=said)
    assert look(stated(job)) == look(Moment(replace(FOUND, longer=True)))
    assert stated(replace(job, phase=Phase.DONE)) == Moment()
    assert statement(Prediction(), "accepted") is None


def test_a_watched_range_goes_on_record_once_in_a_while() -> None:
    job = replace(job_at(0), estimate=statement(FOUND, "accepted"), estimate_at=BEGIN)
    moved = Moment(Prediction(Stated(30, 60), FOUND.work))
    later = BEGIN + timedelta(seconds=31)
    assert news(job, moved, BEGIN + timedelta(seconds=29)) is None
    assert news(job, Moment(FOUND), later) is None
    said = news(job, moved, later)
    assert said is not None
    assert said.when == "shown"
    assert decide_estimate(job, said, BEGIN + timedelta(seconds=29)) is None
    assert decide_estimate(job, said, later) == said
    assert decide_estimate(replace(job, phase=Phase.DONE), said, later) is None
    gone = news(job, Moment(), later)
    assert gone == e.EstimateStated(when="shown")
    assert news(replace(job, estimate=gone, estimate_at=later), Moment(), later + timedelta(seconds=31)) is None


def silent(signs: Signs, gaps: list[float], *, end: e.Event | None = None, stage: str = "reading") -> None:
    """One attempt with these silences in a stage."""
    now = 0.0
    for data in (START, e.StageStarted(stage=stage)):
        signs.hear("t", "export", recorded("job", now, data))
    for gap in gaps:
        now += gap
        signs.hear("t", "export", recorded("job", now, e.ProgressReported(done=now, total=None)))
    signs.hear("t", "export", recorded("job", now, end or finished()))


def test_usual_silence_is_learnt_by_stage_from_work_that_ended_well() -> None:
    signs, chance = Signs(), random.Random(1)
    for _ in range(40):
        silent(signs, [1.0, chance.uniform(200, 300), 2.0])
        silent(signs, [1.0], stage="writing")
    found = signs.quiet_after("t", "export")
    assert 500 <= found["reading"] <= 650
    assert found["writing"] == FLOOR_S
    before = dict(found)
    for _ in range(100):
        silent(signs, [9000.0], end=e.AttemptLost(run=1, attempt=1, worker="w"))
        silent(signs, [9000.0], end=e.AttemptFailed(run=1, attempt=1, reason="r", retryable=True))
    assert signs.quiet_after("t", "export") == before
    assert not signs.live


def test_too_few_silences_are_no_rule() -> None:
    signs = Signs()
    for _ in range(11):
        silent(signs, [1.0])
    assert signs.quiet_after("t", "export") == {}


async def test_workers_are_known_while_they_ask_work_or_were_here_a_moment_ago() -> None:
    busy: set[tuple[str, str]] = set()
    found = Workers(NoPool(), [0], lambda tenant, worker: (tenant, worker) in busy)  # type: ignore[arg-type]
    assert found.serving(("t", "a")) is None
    found.asks("t", "w1", ("a", "b"))
    found.asks("t", "w2", ("b", "c"))
    assert found.serving(("t", "a")) == frozenset({"a", "b"})
    assert found.serving(("t", "b")) == frozenset({"a", "b", "c"})
    assert found.serving(("other", "a")) is None
    found.leaves("t", "w1")  # it hung up
    assert found.serving(("t", "a")) is None
    busy.add(("t", "w2"))
    found.leaves("t", "w2")  # it hung up, but it works
    assert found.serving(("t", "c")) == frozenset({"b", "c"})
    found.asks("t", "w2", ("c",))
    assert found.serving(("t", "b")) is None
    found.rests("t", "w2")
    found._seen["t", "w2"].at -= 1000
    found._sweep()
    assert found.serving(("t", "c")) == frozenset({"c"})  # it works
    busy.clear()
    found._sweep()
    assert found.serving(("t", "c")) is None


def test_what_was_learnt_of_a_thousand_kinds_is_small() -> None:
    """Under 30 MB for 1,000 (type, tenant) pairs, 30 jobs each: a quarter of them is told as four times that."""
    tracemalloc.start()
    known, chance, position = Learnt(), random.Random(2), 0
    for n in range(30):
        for pair in range(250):
            job, at = f"{pair}-{n}", n * 600.0 + pair / 10
            took = chance.uniform(20, 400)
            for seconds, data in (
                (at, requested(f"o{n % 7}", chance.uniform(1, 10_000))),
                (at, e.JobQueued(run=1, ready_at=time_text(BEGIN + timedelta(seconds=at)))),
                (at + chance.uniform(0, 60), START),
                (at + 61, e.StageStarted(stage="reading")),
                (at + 61 + took, finished()),
            ):
                position += 1
                each = recorded(job, seconds, data)
                learn(known, replace(each, tenant=f"t{pair}", position=position))
    size = 4 * len(encode(known))
    memory = 4 * tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(f"1,000 pairs: {size / 1e6:.1f} MB as bytes, {memory / 1e6:.1f} MB in memory")
    assert size < 30e6
