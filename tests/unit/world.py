"""A partition in memory: what the database keeps between two appends, written from a batch as the SQL writes it."""

from datetime import UTC, datetime, timedelta

from eventstore.append import Batch
from projections.status.due import delayed_at, next_due
from projections.status.fold import fold
from schemas import events as e
from schemas.envelope import Recorded, decode
from schemas.job import Job
from schemas.jobtypes import Definition
from schemas.states import CLAIMABLE
from services.jobs.dedupe import Memory
from services.jobs.times import Lease
from services.jobs.working import FirstAnswer, Known, Waiting, Working

START = datetime(2026, 11, 24, 12, tzinfo=UTC)


class World:
    def __init__(self) -> None:
        self.now = START
        self.log: list[Recorded] = []
        self.rebuilt: dict[str, Job] = {}
        self.hash = bytes(32)
        self.jobs: dict[str, Job] = {}
        self.leases: dict[str, Lease] = {}
        self.memories: dict[tuple[str, str], Memory] = {}
        self.keys: dict[tuple[str, str, str], FirstAnswer] = {}
        self.types: dict[tuple[str, str], tuple[int, Definition]] = {}
        self.items: dict[str, dict[str, Known]] = {}
        self.queue: dict[str, Job] = {}

    def begin(self) -> Working:
        """A working set with everything in it, as `load` would have read it."""
        work = Working(Batch(0, len(self.log), self.hash, self.now))
        work.jobs |= self.jobs
        work.leases |= self.leases
        work.memories |= self.memories
        work.keys |= self.keys
        work.types |= self.types
        for id_, items in self.items.items():
            work.items[id_] |= items
        for job in self.queue.values():
            if job.ready_at and job.ready_at <= self.now:
                rank = (-job.priority, job.ready_at, job.id)
                work.queues[job.tenant, job.type].append(Waiting(rank, job.id))
        for id_ in self.leases:
            held = self.jobs[id_]
            work.live[held.tenant, held.type, held.owner] += 1
        return work

    def write(self, work: Working) -> None:
        """Commit a batch."""
        self.log += work.batch.recorded
        self._rebuild(work)
        self.hash = work.batch.hash
        self.keys |= work.keys_new
        changes = work.changes
        for row in changes.jobs.values():
            self.jobs[row.job.id] = row.job
        for id_, waiting in changes.queue.items():
            if waiting:
                self.queue[id_] = waiting
            else:
                self.queue.pop(id_, None)
        for id_ in work.leases_changed:
            lease = work.leases[id_]
            if lease:
                self.leases[id_] = lease
            else:
                self.leases.pop(id_, None)
        for (tenant, name), kind in changes.types.items():
            self.types[tenant, name] = kind.version, kind.definition
        for (id_, item), known in changes.items.items():
            told = Known(known.column, known.reason, known.run, known.attempt, known.failed)
            self.items.setdefault(id_, {})[item] = told
        self._write_memories(work)

    def _write_memories(self, work: Working) -> None:
        for tenant, key, row in work.changes.dedupe_rows():
            place, held = (tenant, key), self.memories.get((tenant, key))
            if not row.force and (held is None or held.job != row.job):
                continue
            if row.drop:
                self.memories.pop(place, None)
            else:
                self.memories[place] = Memory(row.job, row.first_at, row.until, row.active)

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def due(self, job: Job) -> datetime | None:
        """When the orchestrator tells this job next."""
        lease = self.leases.get(job.id)
        moments = [next_due(job), delayed_at(job), *((lease.expires_at, lease.pending_at) if lease else ())]
        return min((moment for moment in moments if moment), default=None)

    def _rebuild(self, work: Working) -> None:
        """Fold what was added from its bytes in the log alone."""
        for told in map(decode, lines_of(work.batch)):
            if not isinstance(told.data, e.JobTypeDefined):
                self.rebuilt[told.stream] = fold(self.rebuilt.get(told.stream), told)

    def waiting(self) -> set[str]:
        return {job.id for job in self.jobs.values() if job.phase in CLAIMABLE}


def lines_of(batch: Batch) -> list[bytes]:
    """What is written to the column `line`."""
    column = batch.params()[7]
    assert isinstance(column, list)
    return column
