"""Row changes of the inline projections: gathered purely from events, written in one statement.

The append, a rebuild and nothing else run this; what is gathered for a batch is the last word on each row, so one
statement of data-modifying CTEs never touches a row twice.
"""

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import msgspec
from msgspec import Struct, field

from projections.status.due import next_due
from schemas import events as e
from schemas.envelope import Recorded
from schemas.job import Job
from schemas.jobtypes import FOREVER, Definition, text_in
from schemas.private import marked
from schemas.states import CLAIMABLE, ENDED, Phase, visible

APPLY_PARAMS = 50
APPLY_SQL = files("projections").joinpath("apply.sql").read_text()  # CTEs, $1 to $50
APPLY_ALONE_SQL = "with " + APPLY_SQL + " select"  # where nothing else belongs to the statement
TABLES = ("jobs", "queue", "dedupe", "items", "types")
_json = msgspec.json.Encoder()


class JobRow(Struct):
    job: Job
    created_position: int
    request: bytes | None = None  # only with JobRequested
    retry_input: bytes | None = None  # None: as it was; empty: none any more


class DedupeRow(Struct, frozen=True):
    """`force`: a new request or a retry takes the key; else only the job that holds it changes the row or drops it."""

    job: str
    first_at: datetime
    until: datetime | None
    active: bool
    state: str
    force: bool = False
    drop: bool = False


class ItemRow(Struct, frozen=True):
    row: int | None
    column: str | None
    reason: str | None
    value: bytes | None
    failed: bool
    run: int
    attempt: int


class TypeRow(Struct, frozen=True):
    version: int
    definition: Definition


class Changes(Struct):
    """The last word on each row of a batch."""

    jobs: dict[str, JobRow] = field(default_factory=dict)
    queue: dict[str, Job | None] = field(default_factory=dict)  # None: leaves the queue
    dedupe: dict[tuple[str, str, str], DedupeRow] = field(default_factory=dict)  # by tenant, key, job
    takers: dict[tuple[str, str], str] = field(default_factory=dict)  # the last job that took a key
    items: dict[tuple[str, str], ItemRow] = field(default_factory=dict)
    types: dict[tuple[str, str], TypeRow] = field(default_factory=dict)

    def see(self, before: Job | None, recorded: Recorded, after: Job) -> None:
        """Take in one event of a job's stream, with the job before and after it."""
        row = self.jobs.get(after.id)
        if row is None:
            row = self.jobs[after.id] = JobRow(after, recorded.position)
        row.job = after
        event = recorded.data
        match event:
            case e.JobRequested():
                row.request = _json.encode({"input": event.input, "settings": event.settings})
            case e.RetryRequested():
                row.retry_input = b"" if event.input is None else _json.encode(event.input)
            case e.ItemsFailed():
                self._items(event.items, after, failed=True)
            case e.JobFinished():
                self._items(event.items, after, failed=False)
            case _:
                pass
        self._queue(before, after)
        self._dedupe(before, event, after)

    def see_type(self, recorded: Recorded, event: e.JobTypeDefined) -> None:
        self.types[recorded.tenant, event.name] = TypeRow(recorded.version, event.definition)

    def _items(self, items: tuple[e.Item, ...], job: Job, *, failed: bool) -> None:
        for item in items:
            value = None if item.value is None else _json.encode(item.value)
            self.items[job.id, item.id] = ItemRow(
                item.row, item.column, item.reason, value, failed, job.run, job.attempt
            )

    def _queue(self, before: Job | None, after: Job) -> None:
        if after.phase in CLAIMABLE:
            self.queue[after.id] = after
        elif (before and before.phase in CLAIMABLE) or after.id in self.queue:
            self.queue[after.id] = None

    def _dedupe(self, before: Job | None, event: e.Event, after: Job) -> None:
        if after.dedupe is None:
            return
        takes = before is None or isinstance(event, e.RetryRequested)
        active = after.phase not in ENDED
        if before and not takes and active == (before.phase not in ENDED):
            return
        place = after.tenant, after.dedupe
        if takes:
            self.takers[place] = after.id
        self.dedupe[*place, after.id] = DedupeRow(
            job=after.id,
            first_at=after.created_at,
            until=_until(after),
            active=active,
            state=visible(after.phase),
            force=self.takers.get(place) == after.id,
            drop=after.phase in {Phase.STOPPED, Phase.EXPIRED},
        )

    def dedupe_rows(self) -> list[tuple[str, str, DedupeRow]]:
        """(tenant, key, row), without the words of jobs whose key another one took in this very batch."""
        return [
            (tenant, key, row)
            for (tenant, key, job), row in self.dedupe.items()
            if self.takers.get((tenant, key), job) == job
        ]

    def params(self, partition: int) -> list[object]:
        """The bind values of APPLY_SQL, in its order."""
        return [
            partition,
            *self._job_columns(),
            *self._queue_columns(),
            *self._dedupe_columns(),
            *self._other_columns(),
            [job.phase is Phase.DELAYED for job in self.queue.values() if job],
        ]

    def _job_columns(self) -> list[list[object]]:
        rows = list(self.jobs.values())
        jobs = [row.job for row in rows]
        new = [row.job if row.request is not None else None for row in rows]  # of the others this part stays as it is
        return [
            [job.id for job in jobs],
            [job and job.tenant for job in new],
            [job and job.ref for job in new],
            [job and job.type for job in new],
            [job and job.owner for job in new],
            [job and title_of(job) for job in new],
            [str(visible(job.phase)) for job in jobs],
            [job.version for job in jobs],
            [row.created_position if row.request is not None else None for row in rows],
            [job.position for job in jobs],
            [job and job.created_at for job in new],
            [next_due(job) for job in jobs],
            [_json.encode(job) for job in jobs],
            [row.request for row in rows],
            [row.retry_input for row in rows],
        ]

    def _queue_columns(self) -> list[list[object]]:
        jobs = [job for job in self.queue.values() if job]
        return [
            [job.id for job in jobs],
            [job.tenant for job in jobs],
            [job.type for job in jobs],
            [job.owner for job in jobs],
            [job.priority for job in jobs],
            [job.ready_at for job in jobs],
            [name for name, job in self.queue.items() if job is None],
        ]

    def _dedupe_columns(self) -> list[list[object]]:
        placed = self.dedupe_rows()
        rows = [row for _, _, row in placed]
        return [
            [tenant for tenant, _, _ in placed],
            [bytes.fromhex(key) for _, key, _ in placed],
            [row.job for row in rows],
            [row.first_at for row in rows],
            [row.until for row in rows],
            [row.active for row in rows],
            [row.state for row in rows],
            [row.force for row in rows],
            [row.drop for row in rows],
        ]

    def _other_columns(self) -> list[list[object]]:
        items, types = list(self.items.values()), list(self.types.values())
        return [
            [job for job, _ in self.items],
            [item for _, item in self.items],
            [row.row for row in items],
            [row.column for row in items],
            [row.reason for row in items],
            [row.value for row in items],
            [row.failed for row in items],
            [row.run for row in items],
            [row.attempt for row in items],
            [tenant for tenant, _ in self.types],
            [name for _, name in self.types],
            [row.version for row in types],
            [_json.encode(row.definition) for row in types],
            [row.definition.limits.per_tenant for row in types],
            [row.definition.limits.per_owner for row in types],
            [row.definition.limits.total for row in types],
            [bytes.fromhex(row.job.dedupe) if row.request and row.job.dedupe else None for row in self.jobs.values()],
        ]


def title_of(job: Job) -> str:
    """What the list is searched by. A private title is not: it stands in its document alone, encrypted."""
    return (not marked(job.definition.private).title and job.title) or text_in(job.definition.title, "en")


def _until(job: Job) -> datetime | None:
    rule = job.definition.dedupe
    if rule.for_ == FOREVER:
        return FOR_EVER
    return job.created_at + timedelta(seconds=rule.period_s) if rule.period_s else None


FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
