"""A trace replayed through the very fold that serves the screens: what it stated, next to two plain baselines."""

from collections import deque
from collections.abc import Callable, Iterable

from msgspec import Struct

from projections.waits.fold import fold
from projections.waits.judge import Answer, Pair, Score, judge
from projections.waits.places import Places
from projections.waits.predict import running, waiting
from projections.waits.promise import Stated
from projections.waits.queue import FREE
from projections.waits.replay import FINISHED, START, SUBMIT, Row, events
from projections.waits.state import Live, State

RECENT = 50
RECENT_LEAST = 5
LATER_S = 60.0
PART_LEAST = 500  # answers of a type that is judged apart


class Said(Struct):
    """What was stated of one job: at its submission, and of its work again at its start.

    `…_later`: restated LATER_S into its wait or its work, if that lasted so long. `free`: it found a free slot.
    """

    queue: Stated | None = None
    work: Stated | None = None
    work_at_start: Stated | None = None
    queue_later: Stated | None = None
    work_later: Stated | None = None
    free: bool = False


class Part(Struct, frozen=True):
    """One line of the table."""

    what: str  # of ASKED or LATER
    type: str | None  # None: all
    score: Score


def replay(rows: list[Row], slots: float = 0.0, *, later: bool = False) -> list[Said]:
    """What the model states of each job, in the rows' order. `later`: also what a screen shows some time later."""
    known = State(slots=slots)
    said = [Said() for _ in rows]
    restating = Restating(rows, said) if later else None
    for what, number, recorded in events(rows):
        if restating:
            restating.until(known, recorded.recorded_at.timestamp())
            restating.places.hear(recorded)
        known = fold(known, recorded)
        live = known.live.get(recorded.stream)
        if live is None:
            continue
        if restating:
            restating.hear(what, number, recorded.recorded_at.timestamp())
        if what == SUBMIT:
            said[number].queue, said[number].work = live.queue, live.work
            said[number].free = live.waiting and live.depth == FREE
        elif what == START:
            said[number].work_at_start = live.work_at_start
    return said


class Restating:
    """Asks again LATER_S after a job came or began, of those that still wait or work then, before the next event.

    As a screen does: by how many are claimed before it (`places`), those of other types that take turns included.
    """

    def __init__(self, rows: list[Row], said: list[Said]) -> None:
        self.places = Places()
        self._rows, self._said = rows, said
        self._due: deque[tuple[float, int, int]] = deque()

    def hear(self, what: int, number: int, now: float) -> None:
        if what in {SUBMIT, START}:
            self._due.append((now + LATER_S, what, number))

    def until(self, known: State, now: float) -> None:
        while self._due and self._due[0][0] < now:
            at, what, number = self._due.popleft()
            live = known.live.get(self._rows[number].job)
            if live is None:
                continue
            if what == SUBMIT and live.waiting:
                self._said[number].queue_later = waiting(known, live, at, self._ahead(known, live, number)).queue
            elif what == START and live.started is not None:
                self._said[number].work_later = running(known, live, at - live.started).work

    def _ahead(self, known: State, live: Live, number: int) -> int | None:
        entry, kind = self.places.jobs[self._rows[number].job], known.tenants[live.tenant].kinds[live.type]
        return None if entry.rank is None else self.places.ahead(entry.kind, kind.mates, entry.rank)


def table(rows: list[Row], said: list[Said], *, later: bool = False) -> list[Part]:
    """Judge what was said: of all jobs, then of each type that has enough of them."""
    baselines = plain_answers(rows)
    types = sorted({row.type for row in rows})
    found: list[Part] = []
    for what, came, stated in (*ASKED, *(LATER if later else ())):
        answers = [
            (row.type, Answer(row.size, seconds, stated(each), *baselines[what.partition("_")[0]][n]))
            for n, (row, each) in enumerate(zip(rows, said, strict=True))
            if (seconds := came(row, each)) is not None
        ]
        found.append(Part(what, None, judge([answer for _, answer in answers])))
        for name in types if len(types) > 1 else ():
            part = [answer for kind, answer in answers if kind == name]
            if len(part) >= PART_LEAST:
                found.append(Part(what, name, judge(part)))
    return found


def _left(row: Row, _: Said) -> float | None:
    """Of a wait that lasted LATER_S: the rest."""
    return None if row.waited is None or row.waited <= LATER_S else row.waited - LATER_S


def _lasted(row: Row, _: Said) -> float | None:
    return None if row.worked is None or row.worked <= LATER_S else row.worked


Asked = tuple[str, Callable[[Row, Said], float | None], Callable[[Said], Stated | None]]

# A wait for a free slot is a fraction of the least that can be said, so it is judged apart from those in a line too.
ASKED: tuple[Asked, ...] = (
    ("work", lambda row, _: row.worked, lambda said: said.work),
    ("work_at_start", lambda row, _: row.worked, lambda said: said.work_at_start),
    ("queue", lambda row, _: row.waited, lambda said: said.queue),
    ("queue_free", lambda row, said: row.waited if said.free else None, lambda said: said.queue),
    ("queue_line", lambda row, said: None if said.free else row.waited, lambda said: said.queue),
)
LATER: tuple[Asked, ...] = (
    ("work_later", _lasted, lambda said: said.work_later),
    ("queue_later", _left, lambda said: said.queue_later),
)

Plain = tuple[Pair | None, Pair | None]


def plain_answers(rows: list[Row]) -> dict[str, list[Plain]]:
    """What the baselines say at each submission, from the last 50 of the type that were known by then."""
    waits: dict[str, deque[float]] = {}
    works: dict[str, deque[float]] = {}
    found: dict[str, list[Plain]] = {name: [(None, None)] * len(rows) for name in ("queue", "work")}
    for what, number, _ in events(rows):
        row = rows[number]
        if what == SUBMIT:
            found["queue"][number] = _plain(waits.get(row.type, ()))
            found["work"][number] = _plain(works.get(row.type, ()))
        elif what == START:
            waits.setdefault(row.type, deque(maxlen=RECENT)).append(row.waited or 0.0)
        elif row.outcome == FINISHED and row.worked is not None:
            works.setdefault(row.type, deque(maxlen=RECENT)).append(row.worked)
    return found


def _plain(recent: Iterable[float]) -> Plain:
    ordered = sorted(recent)
    if len(ordered) < RECENT_LEAST:
        return None, None
    last = len(ordered) - 1
    mean = sum(ordered) / len(ordered)
    return (ordered[int(0.1 * last)], ordered[int(0.9 * last)]), (0.5 * mean, 1.5 * mean)
