"""Logs for the store's tests: plausible events, appended with their projections as the job service appends them."""

import random
from collections.abc import Sequence
from uuid import UUID

from eventstore.append import APPEND_PARAMS, APPEND_SQL, Batch, renumber
from eventstore.postgres import Pool
from projections.apply import APPLY_SQL, Changes
from projections.build import load_jobs
from projections.status.fold import fold
from schemas import events as e
from schemas.envelope import SYSTEM, Cause, Recorded
from schemas.ids import ref_of, uuid7
from schemas.jobtypes import Dedupe, Definition

CAUSE = Cause(actor=SYSTEM, causation_id="0193c5a0-0000-7000-8000-000000000000")
WRITE = f"with {APPEND_SQL}, {renumber(APPLY_SQL, APPEND_PARAMS)} select"
LOCK_HEAD = (
    "select position, hash, greatest(recorded_at, clock_timestamp()) as at from heads where partition = $1 for update"
)
VERSIONS = """select stream, max(version) as version from (
        select stream, version from events where partition = $1 and tenant = $2 and stream = any ($3)
        union all
        select id::text, version from jobs where partition = $1 and tenant = $2 and id::text = any ($3)
    ) known group by stream"""  # of an archived job, only its row is there

TAKEN = e.AttemptStarted(run=1, attempt=1, worker="w-1")

Streams = Sequence[tuple[str, list[e.Event]]]


def job_id() -> str:
    return uuid7()


def requested(job: str, owner: str = "ann", rule: str = "while_active") -> list[e.Event]:
    """A job that was clicked and waits for a worker."""
    definition = Definition(title="Export", dedupe=Dedupe(for_=rule))
    return [
        e.JobRequested(
            type="orders.export", ref=ref_of(job, "Export"), title=None, owner=owner, input={"rows": 3}, settings=None,
            size=None, priority=0, not_before=None, definition=definition, dedupe=UUID(job).hex * 2, again=False,
        ),
        e.JobQueued(run=1, ready_at="2026-01-01T00:00:00.000000Z"),
    ]  # fmt: skip


def worked() -> list[e.Event]:
    """A worker took it, found two bad rows and finished the rest."""
    bad = tuple(e.Item(id=str(row), row=row, column="email", reason="is missing", value={"row": row}) for row in (2, 3))
    return [
        TAKEN,
        e.ProgressReported(done=3.0, total=3.0),
        e.ItemsFailed(items=bad, failed=2),
        e.ResultStored(result=e.StoredResult(inline={"rows": 1})),
        e.JobFinished(run=1, attempt=1, ready=1, failed=2, total=3),
    ]


def story(seed: int) -> list[e.Event]:
    """What may happen after the request, by chance."""
    return random.Random(seed).choice([
        [],
        [e.RequestRepeated(clicks=2), e.RequestRepeated(clicks=3)],
        worked(),
        [TAKEN, e.AttemptLost(run=1, attempt=1, worker="w-1", silent_s=30.0)],
        [e.CancelRequested(held=False), e.JobCanceled()],
        [TAKEN, e.NeedsFix(cause="asked", text="The file is empty.")],
    ])  # fmt: skip


async def append(pool: Pool, partition: int, tenant: str, streams: Streams) -> list[Recorded]:
    """One append, as one transaction."""
    async with pool.acquire() as conn, conn.transaction():
        head = await conn.fetchrow(LOCK_HEAD, partition)
        assert head
        names = [stream for stream, _ in streams]
        versions = {row["stream"]: row["version"] for row in await conn.fetch(VERSIONS, partition, tenant, names)}
        batch = Batch(partition, head["position"], head["hash"], head["at"])
        for stream, events in streams:
            version = versions.get(stream, 0)
            versions[stream] = version + len(events)
            batch.add(batch.draft(tenant, stream, version, events, CAUSE), CAUSE)
        jobs = await load_jobs(conn, partition, batch.recorded)
        changes = Changes()
        for recorded in batch.recorded:
            if isinstance(recorded.data, e.JobTypeDefined):
                changes.see_type(recorded, recorded.data)
            if ":" in recorded.stream:
                continue
            before = jobs.get(recorded.stream)
            jobs[recorded.stream] = fold(before, recorded)
            changes.see(before, recorded, jobs[recorded.stream])
        await conn.execute(WRITE, *batch.params(), *changes.params(partition))
        return batch.recorded


async def fill(pool: Pool, partition: int, tenant: str, jobs: int, seed: int = 1) -> list[str]:
    """Many jobs with mixed stories. Answers their ids."""
    made = [job_id() for _ in range(jobs)]
    for n in range(0, jobs, 50):
        part = made[n : n + 50]
        await append(pool, partition, tenant, [(job, requested(job)) for job in part])
        await append(pool, partition, tenant, [(job, story(seed * jobs + n + k)) for k, job in enumerate(part)])
    return made
