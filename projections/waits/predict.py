"""What may be said of one job at one moment: `predict(state, job, at)`, a pure read."""

import math
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from projections.waits import queue, work
from projections.waits.experts import Opinion, blend
from projections.waits.line import Line
from projections.waits.promise import WIDEST, Promise, Stated, state
from projections.waits.queue import FEW, FREE, Outlook, Pace, Stand, outlook
from projections.waits.state import Kind, Live, State, Tenant
from projections.waits.steps import STEPS, nearest, step_after
from projections.waits.windows import UNIT, log_of, seconds_of
from schemas.job import Job
from schemas.states import HELD

LEARNT = 12  # outcomes before anything is said
CROWD = 8  # waiting jobs of one owner that share their fate
CROWD_WORK = 200.0
CROWD_MORE = 350.0  # log time on each side, for as long as none of them has started
SLOWER = 0.45  # log time above the curve
LONGER = 3.0  # times the usual number of jobs ahead
LONGER_LEAST = 5

INTO_WORK, INTO_WAIT = 0.25, 0.02  # of the high end that was said first: past that, restating has its own promise

Range = tuple[float, float]


class Prediction(Struct, frozen=True):
    """Seconds as shown, each a range, a bound or None. `queue` and `total` count from now, `work` from its start.

    `overdue`: the work runs longer than was ever likely; its bound is then what 9 in 10 of such long ones keep.
    """

    queue: Stated | None = None
    work: Stated | None = None
    total: Stated | None = None
    overdue: bool = False
    longer: bool = False  # the line is longer than usual
    slower: bool = False  # the work is slower than usual


def predict(known: State, job: Job, at: datetime, ahead: int | None = None) -> Prediction:
    """Of a job as it is now. Nothing is said of one that has ended or needs a person.

    `ahead`: how many are claimed before it, where that is known better than by who came first.
    """
    now = at.timestamp()
    live = known.live.get(job.id)
    if live is None:
        live = Live(job.tenant, job.type, job.owner, job.size, since=(job.ready_at or job.created_at).timestamp())
    if job.phase in HELD:
        return running(known, live, max(0.0, now - (job.attempt_at or at).timestamp()))
    return waiting(known, live, now, ahead)


def waiting(known: State, live: Live, now: float, ahead: int | None = None) -> Prediction:
    """Of a job in the line, or at its end."""
    tenant = known.tenants.get(live.tenant)
    kind = tenant.kinds.get(live.type) if tenant else None
    if tenant is None or kind is None:
        return Prediction()
    return waiting_in(known, kind, live, stand(tenant, kind, live, now, ahead), now, usual_work(known, kind, live))


def waiting_in(known: State, kind: Kind, live: Live, stands: Stand, now: float, took: Range | None) -> Prediction:
    """Of a job that stands so in its line, with its work in log time."""
    shared = stands.shared
    crowd = _crowded(known, kind, live)
    wait = _queue(known, kind, live, stands, now, CROWD_MORE if crowd else 0.0)
    return Prediction(
        queue=_queue_stated(kind, live, shared.depth, now, wait) if wait else None,
        work=_stated(kind.works, took, CROWD_WORK if crowd else 0.0),
        total=_total(kind.totals, wait, took),
        longer=shared.ahead >= LONGER_LEAST and shared.ahead > LONGER * kind.usual_ahead,
        slower=kind.curve.level > SLOWER,
    )


def restated_wait(known: State, tenant: Tenant, kind: Kind, live: Live, now: float) -> tuple[int, Stated] | None:
    """What is told anew of a wait alone, and the depth by which it goes."""
    stands = stand(tenant, kind, live, now)
    wait = _queue(known, kind, live, stands, now, CROWD_MORE if _crowded(known, kind, live) else 0.0)
    found = _queue_stated(kind, live, stands.shared.depth, now, wait) if wait else None
    return (stands.shared.depth, found) if found else None


def _queue_stated(kind: Kind, live: Live, depth: int, now: float, wait: Range) -> Stated | None:
    trusted = kind.waits[min(depth, FEW)].shown and (kind.later[depth].shown or not _restated(live, now))
    return state(*wait, trusted=trusted)


def _crowded(known: State, kind: Kind, live: Live) -> bool:
    return known.siblings.get(sibling_key(kind, live.owner), 0) >= CROWD


def running(known: State, live: Live, elapsed: float) -> Prediction:
    """Of a job that works: the whole length of its work, given how long it runs already, and what is left."""
    tenant = known.tenants.get(live.tenant)
    kind = tenant.kinds.get(live.type) if tenant else None
    if kind is None:
        return Prediction()
    slower = kind.curve.level > SLOWER
    usual = _stated(kind.works_at_start, usual_work(known, kind, live))
    if usual is None or elapsed < STEPS[0] / 2:
        return Prediction(work=usual, total=usual, slower=slower)
    rest = blend(known.shelf, kind.work.levels, _views(known, kind, live), log_of(elapsed))
    if rest is None:
        return Prediction(overdue=elapsed >= usual.high, slower=slower)
    given = restated_work(kind, rest, elapsed, usual) or Stated(None, max(usual.high, step_after(elapsed)))
    if elapsed >= usual.high:
        return Prediction(work=given, overdue=True, slower=slower)
    left, over = (_log(seconds_of(rest[0]) - elapsed), _log(seconds_of(rest[1]) - elapsed)), low_passed(given, elapsed)
    moved = _moved_on(kind, left, into(elapsed, usual, INTO_WORK), over=over)
    trusted = kind.works_at_start.shown and (over or kind.works_later.shown)
    return Prediction(work=given, total=state(*moved, trusted=trusted), slower=slower)


def restated_work(kind: Kind, rest: Range, elapsed: float, usual: Stated) -> Stated | None:
    """The whole work, given `rest` of those that took longer than `elapsed`; `usual` was said at the start."""
    start, later, part = kind.works_at_start, kind.works_later, into(elapsed, usual, INTO_WORK)
    trusted = start.shown and later.shown
    given = state(*_moved_on(kind, rest, part), trusted=trusted)
    if given is None:
        return None
    low, high = given.low or given.kept_low, given.high
    if low is None or elapsed >= usual.high:
        low, high = None, _nearest(rest[1] + start.bound + part * later.bound)
    elif low <= elapsed:
        trusted, high = start.shown, _nearest(_moved_on(kind, rest, part, over=True)[1])
    high = max(high, step_after(elapsed))
    if low is None or high > WIDEST * low:
        return Stated(None, high)
    return Stated(low, high) if trusted else Stated(None, high, low, high)


def _nearest(log_time: float) -> int:
    return STEPS[nearest(log_time)]


def low_passed(given: Stated, elapsed: float) -> bool:
    """Whether only the high end of a range can still be missed."""
    low = given.low or given.kept_low
    return low is not None and low <= elapsed


def _moved_on(kind: Kind, rest: Range, part: float, *, over: bool = False) -> Range:
    """As promised at the start and, by `part`, of what is restated. `over`: the low end has passed."""
    low, high = kind.works_at_start.moved(*rest)
    after = kind.works_passed if over else kind.works_later
    return low - part * kind.works_later.low, high + part * after.high


def into(spent: float, said: Stated | None, share: float) -> float:
    """How far into what was said first: at 0 its own promise still holds, from 1 on that of restating."""
    return min(1.0, spent / (share * said.high)) if said else 1.0


def sibling_key(kind: Kind, owner: str) -> str:
    return f"{kind.number} {owner}"


def lines_of(tenant: Tenant, names: list[str]) -> list[Line]:
    return [tenant.kinds[name].line for name in names]


def pace_of(tenant: Tenant, kind: Kind) -> Pace:
    """What the opinions on a wait go by."""
    whole = tenant.line if len(tenant.kinds) > 1 else kind.line
    return kind.slots, kind.line.slots, whole.slots


def stand(tenant: Tenant, kind: Kind, live: Live, now: float, before: int | None = None) -> Stand:
    """Where a job stands in the lines: behind what came before it, or at the end if it is not in them yet."""
    own = outlook([kind.line], kind.line.slots, now, kind.curve.typical())
    single = len(kind.mates) == 1
    end = replace(own, slots=kind.slots) if single else _shared_end(tenant, kind, now)
    whole = outlook([tenant.line], tenant.line.slots, now) if len(tenant.kinds) > 1 else own
    if not live.waiting and before is None:
        return Stand(kind.number, tenant.number, live.owner, live.size, end, own, whole)
    if before is None:
        behind = sum(line.entered for line in lines_of(tenant, live.lines)) - live.entered
        ahead = max(0.0, end.queued - behind - live.expected)
        shared = replace(end, ahead=round(end.ahead * ahead / end.queued) if end.queued else 0, queued=ahead)
    else:
        each = end.queued / end.ahead if end.ahead else end.typical
        shared = replace(end, ahead=before, queued=before * each)
    return Stand(kind.number, tenant.number, live.owner, live.size, shared, own, whole)


def _shared_end(tenant: Tenant, kind: Kind, now: float) -> Outlook:
    return outlook(lines_of(tenant, kind.mates), kind.slots, now, kind.curve.typical())


def _queue(known: State, kind: Kind, live: Live, stands: Stand, now: float, more: float) -> Range | None:
    """Log seconds from now to the start, moved as promised.

    Never less than what a shorter line would be told: each lower depth is asked too, at its longest.
    """
    if kind.queue.outcomes < LEARNT:
        return None
    found: Range | None = None
    for depth in range(stands.shared.depth, -1, -1):
        if depth is FREE and found:
            break
        wait = _wait(known, kind, live, stands.opinions(depth), now)
        if wait:
            low, high = kind.waits[min(depth, FEW)].moved(*wait, more)
            if _restated(live, now):
                low, high = kind.later[depth].moved(low, high)
            found = (max(low, found[0]), max(high, found[1])) if found else (low, high)
    return _with_first(found, live.queue, now - live.since) if found and _restated(live, now) else found


def _wait(known: State, kind: Kind, live: Live, opinions: list[Opinion], now: float) -> Range | None:
    """Of one depth. Of a job that waits already, the line tells what is left, else how long others waited that long."""
    levels, waited = kind.queue.levels, now - live.since
    if not _restated(live, now):
        return blend(known.shelf, levels, opinions)
    left = blend(known.shelf, levels, [each for each in opinions if each[0] >= queue.BY_LINE])
    if left:
        return left
    rest = blend(known.shelf, levels, opinions, log_of(waited))
    return (_log(seconds_of(rest[0]) - waited), _log(seconds_of(rest[1]) - waited)) if rest else None


def _with_first(found: Range, first: Stated | None, waited: float) -> Range:
    """What the line tells and, soon after a job came, still what was said to it then, which went by more than that."""
    part = into(waited, first, INTO_WAIT)
    if first is None or part >= 1:
        return found
    low, high = found[0], _log(first.high - waited)
    if first.low is not None:
        low += (1 - part) * (_log(first.low - waited) - low)
    high = found[1] + (1 - part) * (high - found[1])
    return min(low, high), high


def _restated(live: Live, now: float) -> bool:
    return live.waiting and now - live.since >= 1


def usual_work(known: State, kind: Kind, live: Live, views: list[Opinion] | None = None) -> Range | None:
    """Log seconds of the whole work, before any promise. `views`: the opinions on it, where they are at hand."""
    if kind.work.outcomes < LEARNT:
        return None
    return blend(known.shelf, kind.work.levels, views or _views(known, kind, live))


def _views(known: State, kind: Kind, live: Live) -> list[Opinion]:
    return work.opinions(known.shelf, kind.number, kind.curve, live.owner, live.size)


def at_start(known: State, kind: Kind, live: Live) -> Stated | None:
    """The work of a job that starts now: where nothing was learnt since it came, of the same range in log time."""
    same = live.taught == kind.work.outcomes
    return _stated(kind.works_at_start, live.took if same else usual_work(known, kind, live))


def _stated(promise: Promise, found: Range | None, more: float = 0.0) -> Stated | None:
    return promise.stated(*found, more) if found else None


def _total(promise: Promise, wait: Range | None, took: Range | None) -> Stated | None:
    """Both together: middles add up, and what is uncertain in each adds up as independent errors do."""
    if wait is None or took is None:
        return None
    wait_low, wait_high, work_low, work_high = map(seconds_of, (*wait, *took))
    wait_middle, work_middle = math.sqrt(wait_low * wait_high), math.sqrt(work_low * work_high)
    middle = wait_middle + work_middle
    below = math.hypot(wait_middle - wait_low, work_middle - work_low)
    above = math.hypot(wait_high - wait_middle, work_high - work_middle)
    return _stated(promise, (_log(middle - below), _log(middle + above)))


def _log(seconds: float) -> float:
    return math.log(seconds) * UNIT if seconds > 1 else 0.0
