"""What one append knows and changes: read with the head, changed command by command, written at the end.

A later command of the batch sees what an earlier one did. Nothing is changed by a command that is refused.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from asyncpg import Record
from msgspec import Struct, field

from eventstore.append import Batch
from projections.apply import Changes
from projections.items import ItemState, item_state
from projections.status.fold import fold
from schemas.commands import IdempotencyKey
from schemas.envelope import Cause
from schemas.events import AuditRead, EstimateStated, Event, ItemsFailed, JobFinished, JobTypeDefined, PersonErased
from schemas.job import Job, Progress
from schemas.jobtypes import Definition
from schemas.states import CLAIMABLE, HELD, Phase
from services.jobs.dedupe import Memory
from services.jobs.estimates import UNSAID, Estimates
from services.jobs.times import Lease

_job = msgspec.json.Decoder(Job)
_definition = msgspec.json.Decoder(Definition)
_progress = msgspec.json.Decoder(Progress)
_claimed = msgspec.json.Decoder(list[tuple[str, int, int]])
_json = msgspec.json.Encoder()


class FirstAnswer(Struct, frozen=True):
    """What an idempotency key was first answered with."""

    body: bytes
    status: int
    job: str | None
    answer: bytes | None
    position: int


def claimed(first: FirstAnswer) -> list[tuple[str, int, int]]:
    """(job, run, attempt) of what a claim with this key was given."""
    return _claimed.decode(first.answer) if first.answer else []


class Known(Struct, frozen=True):
    """The last word on one item."""

    column: str | None
    reason: str | None
    run: int
    attempt: int
    failed: bool


class Waiting(Struct, frozen=True, order=True):
    """A job in the queue, in the order of claiming."""

    rank: tuple[int, datetime, str]
    job: str = ""


class Working(Struct):
    """Filled by `load`, changed by `record` and friends, written by the handler."""

    batch: Batch
    jobs: dict[str, Job] = field(default_factory=dict)
    requests: dict[str, tuple[bytes, bytes | None]] = field(default_factory=dict)  # of jobs that may be claimed
    leases: dict[str, Lease | None] = field(default_factory=dict)
    memories: dict[tuple[str, str], Memory] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], FirstAnswer] = field(default_factory=dict)
    tenants: dict[str, int] = field(default_factory=dict)  # the last version of a tenant's own stream
    types: dict[tuple[str, str], tuple[int, Definition]] = field(default_factory=dict)
    items: dict[str, dict[str, Known]] = field(default_factory=lambda: defaultdict(dict))
    queues: dict[tuple[str, str], list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    live: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    changes: Changes = field(default_factory=Changes)
    leases_changed: set[str] = field(default_factory=set)
    erased: list[tuple[str, str, tuple[str, ...]]] = field(
        default_factory=list
    )  # persons (tenant, owner) whose keys end with this append, and their files
    keys_new: dict[tuple[str, str, str], FirstAnswer] = field(default_factory=dict)
    digests: dict[str, str | None] = field(default_factory=dict)  # of submits, by the id their job would get
    estimates: Estimates = UNSAID

    @property
    def now(self) -> datetime:
        return self.batch.at

    def job_of(self, job: str, tenant: str) -> Job | None:
        """The job, if it is there and belongs to the tenant."""
        found = self.jobs.get(job)
        return found if found and found.tenant == tenant else None

    def open_items(self, job: Job) -> frozenset[str]:
        """Items that are to be done again, of those that were loaded."""
        found = self.items[job.id].items()
        return frozenset(id_ for id_, i in found if item_state(i.run, i.attempt, i.failed, job) is ItemState.OPEN)

    def failed_items(self, job: Job) -> dict[str, tuple[str | None, str | None]]:
        """Items that are failed now, of those that were loaded."""
        return {
            id_: (item.column, item.reason)
            for id_, item in self.items[job.id].items()
            if item_state(item.run, item.attempt, item.failed, job) is ItemState.FAILED
        }

    def record(self, job: Job | None, stream: str, tenant: str, events: list[Event], cause: Cause) -> Job | None:
        """Add the events of one command and fold them. All or none: raises TooLarge before anything is changed."""
        drafts = self.batch.draft(tenant, stream, job.version if job else 0, events, cause)
        steps: list[tuple[Job | None, Job]] = []
        for recorded, _ in drafts:
            before, job = job, fold(job, recorded)
            steps.append((before, job))
        self.batch.add(drafts, cause)
        for (recorded, _), (before, after) in zip(drafts, steps, strict=True):
            self.changes.see(before, recorded, after)
            self._know(after, recorded.data)
        if job is not None and events:
            self._settle(job)
            self._offer(steps[0][0], job)
        return job

    def state(self, job: Job, said: EstimateStated | None, cause: Cause) -> Job:
        """Put on record what can be said about the job's wait."""
        return (self.record(job, job.id, job.tenant, [said], cause) or job) if said else job

    def record_type(self, tenant: str, event: JobTypeDefined, version: int, cause: Cause) -> None:
        drafts = self.batch.draft(tenant, f"type:{event.name}", version, [event], cause)
        self.batch.add(drafts, cause)
        self.types[tenant, event.name] = version + 1, event.definition
        self.changes.see_type(drafts[0][0], event)

    def record_of_tenant(self, tenant: str, event: AuditRead | PersonErased, cause: Cause) -> None:
        version = self.tenants.get(tenant, 0)
        self.batch.add(self.batch.draft(tenant, f"tenant:{tenant}", version, [event], cause), cause)
        self.tenants[tenant] = version + 1

    def _know(self, job: Job, event: Event) -> None:
        if isinstance(event, ItemsFailed | JobFinished):
            failed = isinstance(event, ItemsFailed)
            for item in event.items:
                self.items[job.id][item.id] = Known(item.column, item.reason, job.run, job.attempt, failed)

    def _offer(self, before: Job | None, job: Job) -> None:
        """A job that became ready can be claimed by the rest of the batch."""
        if job.phase in CLAIMABLE and job.ready_at and not (before and before.phase in CLAIMABLE):
            rank = -job.priority, job.ready_at, job.id
            self.queues[job.tenant, job.type].append(Waiting(rank, job.id))

    def request_of(self, job: str) -> tuple[bytes, bytes | None] | None:
        """What it was asked with, where that was read or came with this batch."""
        row = self.changes.jobs.get(job)
        return self.requests.get(job) or ((row.request, None) if row and row.request else None)

    def _settle(self, job: Job) -> None:
        """Keep what the rest of the batch reads in step with the job."""
        self.jobs[job.id] = self.batch.jobs[job.id] = job
        if job.dedupe:
            self._remember(job, (job.tenant, job.dedupe))
        lease = self.leases.get(job.id)
        if lease and job.phase not in HELD:
            self.set_lease(job, None)
        elif lease and lease.pending and job.phase is Phase.CANCELING:  # no more progress is told of it
            self.set_lease(job, msgspec.structs.replace(lease, pending=None, pending_at=None))

    def _remember(self, job: Job, place: tuple[str, str]) -> None:
        row, memory = self.changes.dedupe.get((*place, job.id)), self.memories.get(place)
        holder = self.changes.takers.get(place) or (memory.job if memory else None)
        if row is None or holder != job.id:
            return  # the key is another job's
        if row.drop:
            self.memories.pop(place, None)
        else:
            self.memories[place] = Memory(row.job, row.first_at, row.until, row.active)

    def set_lease(self, job: Job, lease: Lease | None) -> None:
        before = self.leases.get(job.id)
        place = job.tenant, job.type, job.owner
        self.live[place] += (lease is not None) - (before is not None)
        self.leases[job.id] = lease
        self.leases_changed.add(job.id)

    def renew(self, job: Job, pending: Progress | None, pending_at: datetime | None) -> None:
        """A sign of life: the lease runs its whole time again, from now."""
        lease = self.leases.get(job.id)
        if lease:
            renewed = msgspec.structs.replace(
                lease,
                seen_at=self.now,
                expires_at=self.now + timedelta(seconds=lease.lease_s),
                pending=pending,
                pending_at=pending_at,
            )
            self.leases[job.id] = renewed
            self.leases_changed.add(job.id)

    def keep_key(self, tenant: str, key: IdempotencyKey, answer: FirstAnswer) -> None:
        self.keys[tenant, key.call, key.key] = self.keys_new[tenant, key.call, key.key] = answer

    @property
    def changed(self) -> bool:
        return bool(self.batch.recorded or self.leases_changed or self.keys_new)

    def settle_params(self) -> list[object]:
        """The bind values of settle.sql."""
        held = [(self.jobs[job], lease) for job in self.leases_changed if (lease := self.leases[job])]
        keys = list(self.keys_new.items())
        return [
            self.batch.partition,
            [job.id for job, _ in held],
            [job.tenant for job, _ in held],
            [job.type for job, _ in held],
            [job.owner for job, _ in held],
            [lease.run for _, lease in held],
            [lease.attempt for _, lease in held],
            [lease.worker for _, lease in held],
            [lease.lease_s for _, lease in held],
            [lease.seen_at for _, lease in held],
            [lease.expires_at for _, lease in held],
            [_json.encode(lease.pending) if lease.pending else None for _, lease in held],
            [lease.pending_at for _, lease in held],
            [job for job in self.leases_changed if self.leases[job] is None],
            [tenant for (tenant, _, _), _ in keys],
            [call for (_, call, _), _ in keys],
            [key for (_, _, key), _ in keys],
            [answer.body for _, answer in keys],
            [answer.status for _, answer in keys],
            [answer.job for _, answer in keys],
            [answer.answer for _, answer in keys],
            [answer.position for _, answer in keys],
            self.now,
        ]


def load(partition: int, rows: Sequence[Record]) -> Working:
    """The working set from the rows of load.sql."""
    head = next(row for row in rows if row["kind"] == "head")
    work = Working(Batch(partition, head["n1"], head["b1"], head["t1"], head["n2"]))
    for row in rows:
        _TAKE[row["kind"]](work, row)
    for queue in work.queues.values():
        queue.sort()
    return work


def _take_head(_: Working, __: Record) -> None:
    """The head is taken first."""


def _take_job(work: Working, row: Record) -> None:
    work.jobs[row["k1"]] = _job.decode(row["b1"])


def _take_lease(work: Working, row: Record) -> None:
    work.leases[row["k1"]] = Lease(
        run=row["n1"],
        attempt=row["n2"],
        worker=row["k2"],
        lease_s=row["d1"],
        seen_at=row["t1"],
        expires_at=row["t2"],
        pending=_progress.decode(row["b1"]) if row["b1"] else None,
        pending_at=row["t3"],
    )


def _take_memory(work: Working, row: Record) -> None:
    work.memories[row["k1"], row["k2"]] = Memory(row["k3"], row["t1"], row["t2"], row["f1"])
    if row["b1"]:
        work.jobs[row["k3"]] = _job.decode(row["b1"])


def _take_key(work: Working, row: Record) -> None:
    work.keys[row["k1"], row["k2"], row["k3"]] = FirstAnswer(row["b1"], row["n1"], row["k4"], row["b2"], row["n2"])
    if row["b3"]:
        work.jobs[row["k4"]] = _job.decode(row["b3"])


def _take_type(work: Working, row: Record) -> None:
    work.types[row["k1"], row["k2"]] = row["n1"], _definition.decode(row["b1"])


def _take_tenant(work: Working, row: Record) -> None:
    work.tenants[row["k1"]] = row["n1"] or 0


def _take_item(work: Working, row: Record) -> None:
    work.items[row["k1"]][row["k2"]] = Known(row["k3"], row["k4"], row["n1"], row["n2"], row["f1"])


def _take_next(work: Working, row: Record) -> None:
    work.queues[row["k2"], row["k3"]].append(Waiting((-row["n1"], row["t1"], row["k1"]), row["k1"]))
    work.jobs[row["k1"]] = _job.decode(row["b1"])
    work.requests[row["k1"]] = row["b2"], row["b3"]


def _take_live(work: Working, row: Record) -> None:
    work.live[row["k1"], row["k2"], row["k3"]] = row["n1"]


_TAKE = {
    "head": _take_head,
    "job": _take_job,
    "lease": _take_lease,
    "memory": _take_memory,
    "key": _take_key,
    "type": _take_type,
    "tenant": _take_tenant,
    "item": _take_item,
    "next": _take_next,
    "live": _take_live,
}
