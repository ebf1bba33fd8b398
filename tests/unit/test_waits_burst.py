"""A first burst after a calm history, in event time: what the last one in line is told, again and again, is true."""

import heapq
import itertools
import random
from datetime import timedelta

import pytest

from projections.waits.evaluate import replay
from projections.waits.fold import fold
from projections.waits.predict import CROWD, Prediction, predict
from projections.waits.replay import BEGIN, Row
from projections.waits.replay import FINISHED as CAME
from projections.waits.state import State
from schemas import events as e
from schemas.envelope import Recorded, time_text
from tests.unit.test_waits import job_at, recorded, requested

JOBS, WORKERS, CALM = 200, 3, 40
LOOKS = (0, 10, 30, 60, 90, 120, 150, 180, 195)  # jobs started by then
FINISHED = e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)
STARTED = e.AttemptStarted(run=1, attempt=1, worker="w")


class Told:
    """One look: what was said of the last job, and how long it still waited."""

    def __init__(self, found: Prediction, left: float) -> None:
        assert found.queue
        self.low, self.high = found.queue.low or 0, found.queue.high
        self.longer, self.left = found.longer, left


def burst(work_s: float, seed: int) -> list[Told]:
    """Only ever one at a time before; then two hundred of one owner at once, for three workers."""
    chance, known, at = random.Random(seed), State(), 0.0

    def spent() -> float:
        return work_s * chance.lognormvariate(0, 0.3)

    for number in range(CALM):
        job = f"calm{number}"
        known = fold(fold(known, recorded(job, at, requested(f"o{number % 5}", None))), queued(job, at))
        known = fold(known, recorded(job, at + 0.1, STARTED))
        at += 0.1 + spent()
        known = fold(known, recorded(job, at, FINISHED))
        at += 1
    for number in range(JOBS):
        job = f"burst{number}"
        known = fold(fold(known, recorded(job, at, requested("ann", None))), queued(job, at))
    free, moments = [at + 0.1] * WORKERS, []
    for number in range(JOBS):
        began = heapq.heappop(free)
        ended = began + spent()
        moments += [(began, 0, number), (ended, 1, number)]
        heapq.heappush(free, ended + 0.1)
    last, came, started = max(began for began, what, _ in moments if not what), at, 0
    found: list[Told] = []
    for moment, what, number in sorted(moments):
        if started in LOOKS[len(found) :]:
            found.append(
                Told(predict(known, job_at(came, f"burst{JOBS - 1}"), BEGIN + timedelta(seconds=at)), last - at)
            )
        at = moment
        known = fold(known, recorded(f"burst{number}", at, FINISHED if what else STARTED))
        started += not what
        if started == JOBS:
            break
    assert len(found) == len(LOOKS)
    return found


def queued(job: str, at: float) -> Recorded:
    return recorded(job, at, e.JobQueued(run=1, ready_at=time_text(BEGIN + timedelta(seconds=at))))


@pytest.mark.parametrize("work_s", [0.25, 2.0, 30.0, 600.0])
def test_the_last_of_a_burst_is_told_the_truth_all_the_way(work_s: float) -> None:
    """Though nothing was known of three workers, and what was wrong with that must not be learnt twice."""
    looks = 0
    missed: list[tuple[float, float, float]] = []
    for seed in range(5):
        told = burst(work_s, seed)
        looks += len(told)
        missed += [(each.low, each.left, each.high) for each in told if not each.low <= each.left <= each.high]
        assert all(each.longer for each in told[:5])
    assert len(missed) <= looks // 10, missed


def test_the_jobs_of_a_burst_share_what_they_are_told_until_one_starts() -> None:
    known = taught_line()
    stated = [known.live[f"burst{n}"].queue for n in range(60)]
    assert len({id(each) for each in stated[CROWD + 1 :]}) < 25  # as the line grows by tenths
    assert all(each and later and each.high <= later.high for each, later in itertools.pairwise(stated))
    kind = known.tenants["trace"].kinds["export"]
    before = kind.told
    known = fold(known, recorded("burst0", END, STARTED))
    came(known, "late", END)
    assert kind.told is not before


def test_another_owner_or_size_in_the_burst_is_told_by_itself() -> None:
    known = taught_line()
    kind = known.tenants["trace"].kinds["export"]
    before = kind.told
    came(known, "hers", END, "bob")
    assert kind.told is not before
    assert kind.told
    assert kind.told.owner == "bob"


END = 10_000.0


def taught_line() -> State:
    """A calm history, then sixty jobs of ann's in one second."""
    known = State()
    for number in range(CALM):
        job, at = f"calm{number}", 100.0 * number
        came(known, job, at, f"o{number % 5}")
        fold(known, recorded(job, at + 1, STARTED))
        fold(known, recorded(job, at + 31, FINISHED))
    for number in range(60):
        came(known, f"burst{number}", END)
    return known


def came(known: State, job: str, at: float, owner: str = "ann") -> None:
    fold(known, recorded(job, at, requested(owner, None)))
    fold(known, queued(job, at))


def test_who_is_asked_again_is_told_by_those_really_before_them() -> None:
    """Jobs that came behind and gave up meanwhile stand before nobody."""
    history = [Row(f"h{n}", "export", f"o{n % 5}", 10.0, 100.0 * n, 100.0 * n, 100.0 * n + 30, CAME) for n in range(60)]
    begun = Row("long", "export", "o1", 10.0, END, END, END + 900, CAME)
    line = [Row(f"w{n}", "export", f"p{n}", 10.0, END + 1 + n, None, None, "") for n in range(9)]
    gone = [Row(f"g{n}", "export", f"q{n}", 10.0, END + 20 + n, None, END + 40 + n, "canceled") for n in range(12)]
    later = Row("later", "export", "o2", 10.0, END + 1000, None, None, "")
    alone = replay([*history, begun, *line, later], later=True)
    crowded = replay([*history, begun, *line, *gone, later], later=True)
    last = len(history) + len(line)
    assert alone[last].queue_later
    assert crowded[last].queue_later == alone[last].queue_later
