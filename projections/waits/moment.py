"""What is true of a job at one moment beside its own events: how long it may take, and why it waits.

A pure read of what is at hand in memory, in constant time whatever the length of the line.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

import structlog
from msgspec import Struct
from msgspec.structs import replace

from projections.waits.learnt import Learnt
from projections.waits.places import Kind, Places
from projections.waits.predict import Prediction, predict
from projections.waits.promise import Stated
from projections.waits.ranks import Rank
from schemas.events import Bounds, EstimateStated
from schemas.job import Job
from schemas.states import LIVELY, WAITING, Phase

log = structlog.get_logger()

EXACT = 100  # jobs before this one that are counted exactly; more are rounded to two digits

STATED_EVERY_S = 30.0
STILL_S = 1.0  # what was told stays for so long; first of all what is put on record as a job is accepted or starts
ACCEPTED, STARTED, SHOWN = "accepted", "started", "shown"

WORKERS_BUSY, NO_WORKERS = "workers_busy", "no_workers"
TYPE_LIMIT, TENANT_LIMIT = "type_limit", "tenant_limit"
NOT_BEFORE, RETRY_PAUSE = "not_before", "retry_pause"

_LIMITS = {"total": (TYPE_LIMIT, "type_limit"), "tenant": (TENANT_LIMIT, "tenant_limit")}
_OWNER_LIMIT = (TENANT_LIMIT, "owner_limit")

# The types that workers of this type also take, and None where no worker has asked for it lately.
Serving = Callable[[Kind], Collection[str] | None]


class Reason(Struct, frozen=True):
    """Why a job waits. `message`: what its words are; `about`: "yes" where `ahead` is rounded."""

    name: str
    message: str
    ahead: int | None = None
    about: str = "no"
    since: datetime | None = None


class Moment(Struct, frozen=True):
    """What a view shows of the moment."""

    found: Prediction = Prediction()
    reason: Reason | None = None


# How many jobs of this line, besides those that `Places` knows, are claimed before one of this rank.
More = Callable[[Kind, Collection[str], Rank], int]


class Place(NamedTuple):
    """Where a job stands. `served`: the types its workers take, None for no worker; `ahead`: claimed before it."""

    served: Collection[str] | None
    ahead: int | None  # None where it can't be claimed yet, or works


def place(places: Places, serving: Serving, job: Job, at: datetime, more: More = lambda *_: 0) -> Place:
    """Of a job as it is now."""
    kind = job.tenant, job.type
    served = serving(kind)
    if job.phase not in WAITING or (job.ready_at or job.created_at) > at:
        return Place(served, None)
    line = kind, served or (), rank(job)
    return Place(served, places.ahead(*line) + more(*line))


def moment(known: Learnt, places: Places, here: Place, job: Job, at: datetime) -> Moment:
    """Of a job as it is now. Nothing of one that has ended, needs a person or was asked to stop."""
    if job.phase not in WAITING | LIVELY:
        return Moment()
    try:
        found = _just_stated(job, at) or predict(known.model, job, at, here.ahead)
    except Exception:
        log.exception("no estimate could be made", job=job.id)  # a bug of ours, and no reason to hide the job
        found = Prediction()
    if job.phase not in WAITING:
        return Moment(found)
    reason = _reason(places, here, job, at)
    if reason.name in {NO_WORKERS, NOT_BEFORE, RETRY_PAUSE}:  # what the line tells does not hold for it
        found = replace(found, queue=None, total=None, longer=False)
    return Moment(found, reason)


def _just_stated(job: Job, at: datetime) -> Prediction | None:
    said = job.estimate
    if said is None or job.estimate_at is None or said.when == SHOWN:
        return None
    return stated(job).found if (at - job.estimate_at).total_seconds() < STILL_S else None


def rank(job: Job) -> Rank:
    """Where it stands in its line: lines are sorted by it."""
    return -job.priority, job.ready_at or job.created_at, job.id


def _reason(places: Places, here: Place, job: Job, at: datetime) -> Reason:
    ready_at = job.ready_at or job.created_at
    if ready_at > at:
        if job.phase is Phase.RETRYING:
            return Reason(RETRY_PAUSE, RETRY_PAUSE, since=job.updated_at)
        return Reason(NOT_BEFORE, NOT_BEFORE, since=job.created_at)
    kind = job.tenant, job.type
    ahead, about = rounded(here.ahead or 0)
    limit = places.full(kind, job.owner)
    if limit:
        name, words = _LIMITS.get(limit, _OWNER_LIMIT)
    elif here.served is None and not places.served(kind, at):
        name = words = NO_WORKERS
    else:
        name = words = WORKERS_BUSY
    return Reason(name, words, ahead, "yes" if about else "no", ready_at)


def rounded(count: int) -> tuple[int, bool]:
    """A count as it is told, and whether that is about."""
    if count <= EXACT:
        return count, False
    step = 10 ** (len(str(count)) - 2)
    return (count + step // 2) // step * step, True


def look(now: Moment) -> tuple[object, ...]:
    """All that is seen of a moment, in any language: where this is the same, nothing has changed."""
    found = now.found
    parts = [(part.low, part.high) if part else None for part in (found.queue, found.work, found.total)]
    return *parts, found.overdue, found.longer, found.slower, now.reason


def statement(found: Prediction, when: str, quiet: dict[str, float] | None = None) -> EstimateStated | None:
    """What is put on record. Nothing where nothing is known: simple jobs keep their simple histories."""
    if not (found.queue or found.work or found.total or quiet):
        return None
    return EstimateStated(
        when=when,
        queue=_bounds(found.queue),
        work=_bounds(found.work),
        total=_bounds(found.total),
        overdue=found.overdue,
        longer=found.longer,
        slower=found.slower,
        quiet=quiet or {},
    )


def news(job: Job, now: Moment, at: datetime) -> EstimateStated | None:
    """What is to be put on record of a job that somebody watches: a shown range that is not the one stated last.

    At most once in STATED_EVERY_S. That nothing can be said any more is stated too.
    """
    since = job.estimate_at or job.created_at
    if (at - since).total_seconds() < STATED_EVERY_S:
        return None
    said = statement(now.found, SHOWN) or EstimateStated(when=SHOWN)
    before = job.estimate or EstimateStated(when=SHOWN)
    same = (said.queue, said.work, said.total) == (before.queue, before.work, before.total)
    return None if same else said


def stated(job: Job) -> Moment:
    """The wait that was last put on record for a job as it stood then."""
    said = job.estimate
    if said is None or job.phase not in WAITING | LIVELY:
        return Moment()
    parts = (_stated(said.queue), _stated(said.work), _stated(said.total))
    return Moment(Prediction(*parts, overdue=said.overdue, longer=said.longer, slower=said.slower))


def _bounds(part: Stated | None) -> Bounds | None:
    return Bounds(low_s=part.low, high_s=part.high) if part else None


def _stated(bounds: Bounds | None) -> Stated | None:
    return Stated(bounds.low_s, bounds.high_s) if bounds else None
