"""How an event changes what is known: `fold(state, event)`. Event time only, so a rebuild gives the same bytes.

The state is changed in place and given back; whoever folds owns it. What is stated at a job's acceptance and start is
kept with the job and judged when the truth is known.
"""

from bisect import bisect_right

from projections.waits import work
from projections.waits.experts import Opinion, blend, learn
from projections.waits.line import slots_after
from projections.waits.predict import (
    CROWD,
    INTO_WAIT,
    at_start,
    into,
    lines_of,
    low_passed,
    pace_of,
    restated_wait,
    restated_work,
    sibling_key,
    stand,
    usual_work,
    waiting_in,
)
from projections.waits.promise import Aims, Stated, follow
from projections.waits.queue import FEW, Stand, at_pace
from projections.waits.state import KNOWN_MAX, TURNS_MAX, Kind, Live, Probe, State, Tenant, Told, Turn
from projections.waits.steps import STEPS
from projections.waits.windows import log_of
from schemas import events as e
from schemas.envelope import Recorded, moment_of

# The bursts among the answers miss together. Waits are hard: ranges are shown where they held well unsaid.
QUEUE_AIMS = Aims(miss=0.07, bound_miss=0.095, again=0.82)
LATER_AIMS = Aims(miss=0.08, bound_miss=0.06)
WORK_AIMS = Aims(apart=True)
PASSED_AIMS = Aims(bound_miss=0.15)  # the low end can no longer be missed, so the high one may: 8 of 10 are promised
PROBES, PROBE_EVERY = 4, 2  # waiting jobs of a kind that are followed at once; starts between two tries to take one
LOOK_EVERY = 4  # works that finished
LOOKS = (0.25, 0.5)  # how far into a work a look is taken, of what was said at its start
OPINIONS_MAX = 500  # waiting jobs of a kind from whose wait is learnt; those beyond are still counted and answered
TOGETHER, APART_AFTER, TURN_MEMORY = 0.9, 8, 25
MATES_MAX = 8
USUAL_MEMORY = 200
SATURATED_S = 2.0
SAME_SECOND = 1.0
TOLD_S, GROWN = 1.0, 1.1  # how long, and until which growth of the line, a burst is told the same


def fold(known: State, recorded: Recorded) -> State:
    """Take in one event of the log. Events that say nothing about waits, or of jobs not known here, change nothing."""
    job, event = recorded.stream, recorded.data
    if isinstance(event, e.JobRequested):
        size = None if event.size is None else float(event.size)  # written the same, whether it was read or made here
        known.live[job] = Live(recorded.tenant, event.type, event.owner, size)
        return known
    live = known.live.get(job)
    if isinstance(event, e.RetryRequested):
        _again(known, job, live or known.ended.pop(job, None))
    elif live is not None:
        _change(known, job, live, event, recorded.recorded_at.timestamp())
    return known


def _change(known: State, job: str, live: Live, event: e.Event, now: float) -> None:
    match event:
        case e.AttemptStarted():
            _started(known, job, live, now)
        case e.JobFinished():
            _finished(known, job, live, now)
        case e.JobQueued(waits=False):
            live.retried = live.retried or event.run > 1
            _enter(known, job, live, now)
        case e.RetryScheduled():
            live.retried = True
            _enter(known, job, live, moment_of(event.at).timestamp())
        case e.AttemptFailed():
            _failed(known, job, live, now)
        case e.AttemptLost() | e.AttemptReleased() | e.NeedsFix():
            _leave(known, job, live)
        case e.JobCanceled():  # how long it would have taken nobody knows: nothing is learnt
            _leave(known, job, live)
            _forget(known, job, live)
        case _:
            pass


def _enter(known: State, job: str, live: Live, since: float) -> None:
    """The job joins the end of its line; what is stated to it now is kept."""
    _leave(known, job, live)
    tenant, kind = _kind(known, live)
    live.since = since
    stands = stand(tenant, kind, live, since)
    if kind.line.waiting < OPINIONS_MAX and not live.retried:
        live.opinions, live.pace = stands.opinions(stands.shared.depth), pace_of(tenant, kind)
    key = sibling_key(kind, live.owner)
    told = kind.told
    if told is None or known.siblings.get(key, 0) <= CROWD or not _still(told, kind, live, since):
        told = kind.told = _tell(known, kind, live, stands, since)
    live.took, live.taught, live.expected = told.took, told.outcomes[1], told.expected
    live.depth = min(stands.shared.depth, FEW)
    live.queue, live.work, live.total = told.stated
    siblings = known.siblings[key] = known.siblings.get(key, 0) + 1
    kind.usual_ahead += (stands.shared.ahead - kind.usual_ahead) / (USUAL_MEMORY * siblings)  # a burst is not usual
    kind.order.append(job)
    kind.line.enter(live.expected)
    tenant.line.enter(live.expected)
    tenant.waiting[live.type] = kind.line.waiting
    live.waiting = True
    if len(kind.probes) < PROBES and kind.queue.outcomes % PROBE_EVERY == 0:
        _probe(known, tenant, kind, since)
    live.lines = kind.mates
    live.entered = sum(line.entered for line in lines_of(tenant, live.lines))


def _tell(known: State, kind: Kind, live: Live, stands: Stand, since: float) -> Told:
    views = work.opinions(known.shelf, kind.number, kind.curve, live.owner, live.size)
    took = usual_work(known, kind, live, views)
    said = waiting_in(known, kind, live, stands, since, took)
    expected, outcomes = work.expected(kind.curve, views), (kind.queue.outcomes, kind.work.outcomes)
    stated = said.queue, said.work, said.total
    return Told(live.owner, live.size, since, kind.line.work, outcomes, expected, took, stated)


def _still(told: Told, kind: Kind, live: Live, since: float) -> bool:
    """Whether the next job of a burst is told the same: nothing started or finished, and the line has hardly grown."""
    return (
        (told.owner, told.size) == (live.owner, live.size)
        and told.outcomes == (kind.queue.outcomes, kind.work.outcomes)
        and 0 <= since - told.at < TOLD_S
        and kind.line.work <= told.work * GROWN
    )


def _probe(known: State, tenant: Tenant, kind: Kind, now: float) -> None:
    """Tell one job in the middle of the line anew: how such words hold is learnt from it, a few at a time."""
    name = kind.order[(kind.first + len(kind.order)) // 2]
    live = known.live.get(name)
    if live and live.waiting and not live.retried and now - live.since >= 1 and name not in kind.probes:
        told = restated_wait(known, tenant, kind, live, now)
        if told:
            kind.probes[name] = Probe(told[0], now, told[1])


def _leave(known: State, job: str, live: Live) -> None:
    """Out of its line, or out of work."""
    tenant, kind = _kind(known, live)
    if live.waiting:
        live.waiting = False
        for line in (kind.line, tenant.line):
            line.leave(live.expected)
        tenant.waiting[live.type] = kind.line.waiting
        kind.probes.pop(job, None)
        if not kind.line.waiting:
            del tenant.waiting[live.type]
        key = sibling_key(kind, live.owner)
        known.siblings[key] -= 1
        if not known.siblings[key]:
            del known.siblings[key]
        _oldest(known, kind)
    elif live.started is not None:
        kind.line.end(job)
        tenant.line.end(job)
    live.started = None


def _started(known: State, job: str, live: Live, now: float) -> None:
    waited = max(0.0, now - live.since)
    was_waiting = live.waiting
    tenant, kind = _kind(known, live)
    probe = kind.probes.get(job)
    if probe:
        part = into(probe.at - live.since, live.queue, INTO_WAIT)
        follow(kind.later[probe.depth], probe.stated, now - probe.at, aims=LATER_AIMS, part=part)
    _leave(known, job, live)
    _turns(known, tenant, live)
    for line in (kind.line, tenant.line):
        line.begin(job, now, live.expected, waited)
    mates = lines_of(tenant, kind.mates)
    saturated = waited > SATURATED_S or any(line.waiting for line in mates)
    slots = slots_after(kind.slots, sum(len(line.running) for line in mates), saturated=saturated)
    for name in kind.mates:
        tenant.kinds[name].slots = slots
    if was_waiting and not live.retried:
        _learn_wait(known, tenant, kind, live, waited)
    live.opinions = None
    live.started = now
    live.work_at_start = at_start(known, kind, live)
    live.took = None


def _learn_wait(known: State, tenant: Tenant, kind: Kind, live: Live, waited: float) -> None:
    kind.queue.outcomes += 1
    if live.opinions:
        opinions = at_pace(live.opinions, live.pace, pace_of(tenant, kind))
        learn(known.shelf, kind.queue.levels, opinions, log_of(waited), live.owner)
    if live.queue:
        follow(kind.waits[live.depth], live.queue, waited, live.owner, QUEUE_AIMS)


def _finished(known: State, job: str, live: Live, now: float) -> None:
    started, retried = live.started, live.retried
    _leave(known, job, live)
    if started is not None and not retried:
        _learn_work(known, live, now - started, now - live.since)
    _forget(known, job, live)


def _learn_work(known: State, live: Live, took: float, in_all: float) -> None:
    _, kind = _kind(known, live)
    shelf, number, log_time = known.shelf, kind.number, log_of(took)
    views = work.opinions(shelf, number, kind.curve, live.owner, live.size)
    _look_back(known, kind, live, views, took)
    learn(shelf, kind.work.levels, views, log_time)
    kind.curve.learn(live.size, shelf.take(work.owner_key(number, live.owner), 24), took)
    kind.work.outcomes += 1
    for promise, stated, seconds in (
        (kind.works, live.work, took),
        (kind.works_at_start, live.work_at_start, took),
        (kind.totals, live.total, in_all),
    ):
        if stated:
            follow(promise, stated, seconds, aims=WORK_AIMS)


def _look_back(known: State, kind: Kind, live: Live, views: list[Opinion], took: float) -> None:
    """What a screen would have said some way into this work: how such words hold is learnt from each that came so far.

    At a step that people say, as there the low end passes. How far does not depend on what came.
    """
    usual, number = live.work_at_start, kind.work.outcomes
    if usual is None:
        return
    elapsed = usual.high
    if number % LOOK_EVERY == 0:
        share = LOOKS[number // LOOK_EVERY % len(LOOKS)]
        elapsed = STEPS[max(0, bisect_right(STEPS, usual.high * share) - 1)]
    if elapsed >= took:
        return
    rest = blend(known.shelf, kind.work.levels, views, log_of(elapsed))
    told = restated_work(kind, rest, elapsed, usual) if rest else None
    if told and low_passed(told, elapsed):
        follow(kind.works_passed, Stated(None, told.high), took, aims=PASSED_AIMS)
    elif told:
        follow(kind.works_later, told, took, aims=WORK_AIMS)


def _failed(known: State, job: str, live: Live, now: float) -> None:
    """A try that ended badly is learnt apart: how long good work takes does not follow from it."""
    if live.started is not None:
        _kind(known, live)[1].failed.add(log_of(now - live.started))
    _leave(known, job, live)


def _again(known: State, job: str, live: Live | None) -> None:
    """A retry brings a job back that ended or that needed a person."""
    if live:
        _leave(known, job, live)
        live.retried = True
        known.live[job] = live


def _forget(known: State, job: str, live: Live) -> None:
    """Ended: its bare facts are kept for a while, as it may be retried."""
    del known.live[job]
    known.ended[job] = Live(live.tenant, live.type, live.owner, live.size)
    if len(known.ended) > KNOWN_MAX:
        for old in list(known.ended)[: KNOWN_MAX // 2]:
            del known.ended[old]


def _kind(known: State, live: Live) -> tuple[Tenant, Kind]:
    tenant = known.tenants.get(live.tenant)
    if tenant is None:
        tenant = known.tenants[live.tenant] = Tenant(known.number())
        tenant.line.slots = known.slots
    kind = tenant.kinds.get(live.type)
    if kind is None:
        kind = tenant.kinds[live.type] = Kind(known.number(), [live.type], slots=known.slots)
        kind.line.slots = known.slots
    return tenant, kind


def _turns(known: State, tenant: Tenant, live: Live) -> None:
    """This job starts: of every other type that waits, was its oldest there before it? Then they take no turns."""
    for name in list(tenant.waiting)[:MATES_MAX]:
        if name == live.type:
            continue
        oldest = _oldest(known, tenant.kinds[name])
        if oldest is None:
            continue
        key = " ".join(sorted((name, live.type)))
        turn = tenant.turns.get(key) or Turn(0.5, 0)
        turn.seen += 1
        turn.share += ((oldest >= live.since - SAME_SECOND) - turn.share) / min(turn.seen, TURN_MEMORY)
        if len(tenant.turns) < TURNS_MAX or key in tenant.turns:
            tenant.turns[key] = turn
        _mates(tenant, live.type, name, together=turn.share > TOGETHER and turn.seen >= APART_AFTER)


def _mates(tenant: Tenant, one: str, other: str, *, together: bool) -> None:
    """Keep each type's list of mates; a list is made anew when it changes, as jobs hold on to theirs."""
    for name, mate in ((one, other), (other, one)):
        kind = tenant.kinds[name]
        if together and mate not in kind.mates and len(kind.mates) < MATES_MAX:
            kind.mates = [*kind.mates, mate]
            kind.slots = max(kind.slots, tenant.kinds[mate].slots)
        elif not together and mate in kind.mates:
            kind.mates = [each for each in kind.mates if each != mate]


def _oldest(known: State, kind: Kind) -> float | None:
    """When the first in a line came to it. Those that left are dropped as they are met."""
    while kind.first < len(kind.order):
        live = known.live.get(kind.order[kind.first])
        if live and live.waiting:
            return live.since
        kind.first += 1
        if kind.first * 2 > len(kind.order):
            kind.order, kind.first = kind.order[kind.first :], 0
    return None
