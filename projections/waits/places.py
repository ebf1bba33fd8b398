"""Who waits where and who works, in memory: the queue's own order and the live attempts, for one partition.

A copy of the tables `queue` and `leases` that follows the log, so that no reading scans them. It begins from the
tables and is as large as they are; each event costs a search by halves in one line (`ranks.py`).
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from sys import intern
from typing import TypeVar

from msgspec import Struct

from projections.waits.ranks import Rank, Ranks
from schemas import events as e
from schemas.envelope import Recorded, moment_of
from schemas.jobtypes import Limits

K = TypeVar("K")
Kind = tuple[str, str]  # tenant, type

ALIVE_S = 60.0  # whoever took or ended work of a type is still there for so long


class Entry(Struct):
    """A job that waits or works. `rank`: while it is ready; `worker`: while one has it."""

    kind: Kind
    owner: str
    priority: int
    rank: Rank | None = None
    worker: str | None = None


class Places:
    """`unknown`: jobs that came back and that no event at hand tells of; whoever follows looks them up."""

    def __init__(self) -> None:
        self.jobs: dict[str, Entry] = {}
        self.unknown: set[str] = set()
        self._working: dict[str, None] = {}
        self._lines: dict[Kind, Ranks] = {}
        self._running: Counter[tuple[str, str, str]] = Counter()  # tenant, type, owner
        self._of_kind: Counter[Kind] = Counter()
        self._of_type: Counter[str] = Counter()
        self._limits: dict[Kind, Limits] = {}
        self._acted: dict[Kind, datetime] = {}
        self._of_worker: dict[tuple[str, str], Counter[str]] = {}  # (tenant, worker) to types at work

    def hear(self, recorded: Recorded) -> None:
        """Take in the next event of the partition."""
        event, job = recorded.data, recorded.stream
        if isinstance(event, e.JobTypeDefined):
            self.limit((recorded.tenant, event.name), event.definition.limits)
            return
        if isinstance(event, e.JobRequested):
            self.jobs[job] = Entry((intern(recorded.tenant), intern(event.type)), event.owner, event.priority)
            return
        entry = self.jobs.get(job)
        if entry:
            self._change(job, entry, event, recorded.recorded_at)
        elif isinstance(event, e.JobQueued) and not event.waits:
            self.unknown.add(job)
        elif isinstance(event, e.AttemptStarted | e.JobCanceled | e.NeedsFix):
            self.unknown.discard(job)

    def _change(self, job: str, entry: Entry, event: e.Event, at: datetime) -> None:
        match event:
            case e.JobQueued(waits=False):
                self._wait(job, entry, moment_of(event.ready_at))
            case e.AttemptStarted():
                self._work(job, entry, event.worker, at)
            case e.JobFinished() | e.JobCanceled():
                self._free(job, entry, at)
                del self.jobs[job]
            case e.NeedsFix() | e.AttemptFailed() | e.AttemptReleased():
                self._free(job, entry, at)
            case e.AttemptLost():
                self._free(job, entry, None)
            case _:
                pass

    def limit(self, kind: Kind, limits: Limits) -> None:
        if limits == Limits():
            self._limits.pop(kind, None)
        else:
            self._limits[kind] = limits

    def put_waiting(self, job: str, kind: Kind, owner: str, priority: int, ready_at: datetime, *, ready: bool) -> None:
        """A row of the queue; what is ready is in its line."""
        entry = self.jobs[job] = Entry((intern(kind[0]), intern(kind[1])), owner, priority)
        if ready:
            self._wait(job, entry, ready_at)

    def put_working(self, job: str, kind: Kind, owner: str, priority: int, worker: str, at: datetime) -> None:
        """A row of the leases."""
        entry = self.jobs[job] = Entry((intern(kind[0]), intern(kind[1])), owner, priority)
        self._work(job, entry, worker, at)

    def _wait(self, job: str, entry: Entry, ready_at: datetime) -> None:
        self._free(job, entry, None)
        entry.rank = (-entry.priority, ready_at, job)
        line = self._lines.get(entry.kind)
        if line is None:
            line = self._lines[entry.kind] = Ranks()
        line.put(entry.rank)

    def _work(self, job: str, entry: Entry, worker: str, at: datetime) -> None:
        self._free(job, entry, None)
        self._working[job] = None
        tenant, name = entry.kind
        entry.worker = worker
        self._running[tenant, name, entry.owner] += 1
        self._of_kind[entry.kind] += 1
        self._of_type[name] += 1
        self._of_worker.setdefault((tenant, worker), Counter())[name] += 1
        self._acted[entry.kind] = at

    def _free(self, job: str, entry: Entry, acted: datetime | None) -> None:
        """Out of its line, or out of work. `acted`: its worker said so, so there is one."""
        if entry.rank:
            line = self._lines[entry.kind]
            line.drop(entry.rank)
            if not line:
                del self._lines[entry.kind]
            entry.rank = None
        if entry.worker is None:
            return
        self._working.pop(job, None)
        tenant, name = entry.kind
        _less(self._running, (tenant, name, entry.owner))
        _less(self._of_kind, entry.kind)
        _less(self._of_type, name)
        held = self._of_worker[tenant, entry.worker]
        _less(held, name)
        if not held:
            del self._of_worker[tenant, entry.worker]
        entry.worker = None
        if acted:
            self._acted[entry.kind] = acted

    def ahead(self, kind: Kind, names: Collection[str], rank: Rank) -> int:
        """How many jobs of these types and its own are claimed before one of this rank."""
        if not names:
            line = self._lines.get(kind)
            return line.before(rank) if line else 0
        lines = (self._lines.get((kind[0], name)) for name in {*names, kind[1]})
        return sum(line.before(rank) for line in lines if line)

    def served(self, kind: Kind, at: datetime) -> bool:
        """Whether a worker has work of this type, or had some a moment ago."""
        if self._of_kind[kind]:
            return True
        acted = self._acted.get(kind)
        return acted is not None and (at - acted).total_seconds() < ALIVE_S

    def works(self, tenant: str, worker: str) -> bool:
        """Whether this worker has any work."""
        return (tenant, worker) in self._of_worker

    def full(self, kind: Kind, owner: str) -> str | None:
        """The limit that keeps a job of this type from starting now: `total`, `tenant`, `owner`; None for none."""
        limits = self._limits.get(kind)
        if limits is None:
            return None
        if limits.total is not None and self._of_type[kind[1]] >= limits.total:
            return "total"
        if limits.per_tenant is not None and self._of_kind[kind] >= limits.per_tenant:
            return "tenant"
        if limits.per_owner is not None and self._running[(*kind, owner)] >= limits.per_owner:
            return "owner"
        return None

    def working(self) -> Iterable[str]:
        """Jobs that a worker has."""
        return iter(self._working)

    def waiting(self) -> Iterable[str]:
        """Jobs that are ready, the first of each line first."""
        return (rank[2] for line in self._lines.values() for rank in line)


def _less(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
