"""The one place that tells what is of the moment: every view asks here, whoever carries it."""

import asyncio
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Collection, Mapping
from datetime import datetime

from msgspec import Struct

from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from eventstore.tail import Tail
from projections.waits.follow import Follower
from projections.waits.line import Line
from projections.waits.moment import ACCEPTED, STARTED, STILL_S, Moment, Place, moment, place, rank, statement
from projections.waits.places import Kind
from projections.waits.predict import LEARNT, Prediction
from projections.waits.ranks import Rank
from projections.waits.words import steady
from schemas.events import EstimateStated
from schemas.job import Job
from schemas.states import HELD, WAITING
from services.waits.workers import Workers

STATED_MAX = 64  # estimates made anew in one append; like jobs share one while the line has hardly grown
GROWN = 1.1
STILL_MAX = 5_000  # waiting jobs that are told the same for STILL_S where only others joined the line


class Still(Struct, frozen=True):
    """What a waiting job was told, and all that it may change with."""

    version: int
    second: int
    moved: int
    here: Place
    heard: int  # where nobody was heard of since, it still stands in its place
    now: Moment


class Waits:
    """All partitions in one process. Until it has caught up, nothing is said."""

    def __init__(self, pool: Pool, tails: Mapping[int, Tail]) -> None:
        self.followers = {partition: Follower(pool, tail) for partition, tail in tails.items()}
        self.workers = Workers(pool, list(tails), self._works)
        self.stating = {partition: Stating(follower, self.workers) for partition, follower in self.followers.items()}
        self._shown: dict[str, Prediction] = {}
        self._still: OrderedDict[str, Still] = OrderedDict()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for follower in self.followers.values():
                tasks.create_task(follower.run())
            tasks.create_task(self.workers.run())

    def moment(self, job: Job, at: datetime) -> Moment:
        """What is true of a job now. One that somebody watches shows everybody the same, without flicker."""
        fresh = self._fresh(job, at)
        shown = self._shown.get(job.id)
        return Moment(_kept(shown, fresh.found, job, at), fresh.reason) if shown else fresh

    def show(self, job: str, now: Moment) -> None:
        """This is on somebody's screen."""
        self._shown[job] = now.found

    def hide(self, job: str) -> None:
        """Nobody watches it any more."""
        self._shown.pop(job, None)

    def _fresh(self, job: Job, at: datetime) -> Moment:
        follower = self._follower(job.tenant)
        if not follower.caught_up.is_set():
            return Moment()
        if job.phase not in WAITING:
            here = place(follower.places, self.workers.serving, job, at)
            return moment(follower.known, follower.places, here, job, at)
        return self._waiting(follower, job, at)

    def _waiting(self, follower: Follower, job: Job, at: datetime) -> Moment:
        # Each job's seconds begin at another moment, so that not all are worked out anew at once.
        second = int(at.timestamp() / STILL_S + hash(job.id) % 64 / 64)
        last = self._still.get(job.id)
        if last and (last.version, last.second, last.moved) != (job.version, second, follower.moved):
            last = None
        if last and self._stands(last, follower, job):
            return last.now
        here = place(follower.places, self.workers.serving, job, at)
        now = last.now if last and last.here == here else moment(follower.known, follower.places, here, job, at)
        self._still[job.id] = Still(job.version, second, follower.moved, here, follower.known.position, now)
        self._still.move_to_end(job.id)
        if len(self._still) > STILL_MAX:
            self._still.popitem(last=False)
        return now

    def _stands(self, last: Still, follower: Follower, job: Job) -> bool:
        """Whether it stands where it stood: nothing was heard since, and the same workers are there."""
        here = last.here
        heard = last.heard == follower.known.position and here.ahead is not None  # else it may have become ready
        return heard and here.served == self.workers.serving((job.tenant, job.type))

    def _follower(self, tenant: str) -> Follower:
        return self.followers[partition_of(tenant, len(self.followers))]

    def _works(self, tenant: str, worker: str) -> bool:
        return self._follower(tenant).places.works(tenant, worker)


def _kept(shown: Prediction, fresh: Prediction, job: Job, at: datetime) -> Prediction:
    """Without flicker, but never a range that has passed."""
    found = steady(shown, fresh)
    if found.work and job.phase in HELD and job.attempt_at:
        passed = (at - job.attempt_at).total_seconds() >= found.work.high
        return fresh if passed else found
    return found


class Before(Struct, frozen=True):
    """A line as it was before this append."""

    line: Line
    waiting: int
    work: float
    entered: float


class Stating:
    """What is put on record while a partition's commands are decided (`services/jobs/estimates.py`).

    Jobs accepted in one append stand in the line for those after them, though the log does not know them yet; when
    all are decided the lines are put back, to the bit.
    """

    def __init__(self, follower: Follower, workers: Workers) -> None:
        self._follower = follower
        self._workers = workers
        self._before: dict[int, Before] = {}
        self._entered: dict[Kind, list[Rank]] = {}
        self._said: dict[tuple[str, str, str, float | None, int], tuple[float, EstimateStated | None]] = {}
        self._begun: dict[tuple[str, str, str, float | None], EstimateStated | None] = {}

    def accepted(self, job: Job, at: datetime) -> EstimateStated | None:
        lines = self._lines(job)
        if not lines:
            return None
        key = job.tenant, job.type, job.owner, job.size, job.priority
        work, said = self._said.get(key, (-1.0, None))
        if lines[0].work > work * GROWN and len(self._said) < STATED_MAX:
            said = statement(self._moment(job, at).found, ACCEPTED)
            self._said[key] = lines[0].work, said
        self._enter(job, lines)
        return said

    def started(self, job: Job, at: datetime) -> EstimateStated | None:
        if not self._follower.caught_up.is_set():
            return None
        key = job.tenant, job.type, job.owner, job.size
        if key not in self._begun:  # nothing is learnt in between, so all that are like it are told the same
            quiet = self._follower.known.signs.quiet_after(job.tenant, job.type)
            found = self._moment(job, at).found if self._lines(job) else Prediction()
            self._begun[key] = statement(found, STARTED, quiet)
        return self._begun[key]

    def over(self) -> None:
        for before in self._before.values():
            before.line.waiting, before.line.work, before.line.entered = before.waiting, before.work, before.entered
        self._before.clear()
        self._entered.clear()
        self._said.clear()
        self._begun.clear()

    def _moment(self, job: Job, at: datetime) -> Moment:
        """As its screen will say it: by what is claimed before it, with those accepted in this append."""
        follower = self._follower
        here = place(follower.places, self._workers.serving, job, at, self._ahead)
        return moment(follower.known, follower.places, here, job, at)

    def _ahead(self, kind: Kind, names: Collection[str], before: Rank) -> int:
        lines = (self._entered.get((kind[0], name), ()) for name in {*names, kind[1]})
        return sum(bisect_left(line, before) for line in lines)

    def _lines(self, job: Job) -> tuple[Line, Line] | None:
        """Of its type and its tenant, where enough is known to say anything."""
        if not self._follower.caught_up.is_set():
            return None
        tenant = self._follower.known.model.tenants.get(job.tenant)
        kind = tenant.kinds.get(job.type) if tenant else None
        if tenant is None or kind is None or max(kind.work.outcomes, kind.queue.outcomes) < LEARNT:
            return None
        return kind.line, tenant.line

    def _enter(self, job: Job, lines: tuple[Line, Line]) -> None:
        kind = self._follower.known.model.tenants[job.tenant].kinds[job.type]
        insort(self._entered.setdefault((job.tenant, job.type), []), rank(job))
        for line in lines:
            self._before.setdefault(id(line), Before(line, line.waiting, line.work, line.entered))
            line.enter(kind.curve.typical())
