"""The same work on a store that has grown: submits, reads and the drain, with ended jobs behind and queued ones ahead.

`python -m bench.grown`. The store is filled by COPY: `BENCH_GROWN_JOBS` ended jobs (1,000,000) with ten events each,
and a tenth as many queued. The lines are real and sealed; the ended jobs' events are not sent to NATS again, whose
stream begins behind them.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from bench._rows import QUICK, said, scaled
from bench.load import TIDINGS, TYPE, load, new_jobs, plain, ready_type, settled, started
from bench.submits import measure
from bench.work import SLOTS, result, worker
from eventstore import jetstream
from eventstore.append import Batch
from eventstore.postgres import Connection
from projections.migrate import migrate
from projections.status.due import next_due
from projections.status.fold import fold
from schemas import events as e
from schemas.envelope import SYSTEM, Cause
from schemas.ids import ref_of, uuid7
from schemas.job import Job
from schemas.jobtypes import Definition
from schemas.states import visible
from services.embedded.stack import EmbeddedStack
from services.telling import configure

JOBS = int(os.environ.get("BENCH_GROWN_JOBS", "1000000")) // (10 if QUICK else 1)
QUEUED = JOBS // 10
CHUNK = 5_000  # jobs in one COPY
PLACE = "00000000-0000-7000-8000-000000000000"
DIGEST = b"00" * 32
REQUEST = b'{"input":{"rows":50000},"settings":{"format":"csv"}}'
NUMBER = 7_777_777_000_000  # stands for a position in the templates
READY = "2026-01-01T00:00:00.000000Z"
AT = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = ("position", "tenant", "stream", "version", "type", "recorded_at", "actor", "line", "hash", "partition")
ROWS = (
    "partition", "id", "tenant", "ref", "type", "owner", "title", "state", "version", "created_position", "position",
    "created_at", "doc", "request", "dedupe", "due_at",
)  # fmt: skip
STEPS = 3  # points of the picture over the log's size, each four times as large, before the whole one
LEARN_MAX_S = 600.0  # a store that was filled by COPY has projections that follow its log from the first event


def story() -> list[e.Event]:
    """A job from click to result, ten events long."""
    progress = [e.ProgressReported(done=float(n), total=4.0, unit="rows", last=False) for n in range(1, 5)]
    return [
        e.JobRequested(
            type=TYPE, ref=ref_of(PLACE, "Export"), title=None, owner="ann", input={"rows": 50_000},
            settings={"format": "csv"}, size=None, priority=0, not_before=None, definition=Definition(title="Export"),
            dedupe=DIGEST.decode(), again=False,
        ),
        e.JobQueued(run=1, ready_at=READY),
        e.AttemptStarted(run=1, attempt=1, worker="w-1"),
        e.StageStarted(stage="writing"),
        *progress,
        e.ResultStored(result=e.StoredResult(inline={"rows": 3})),
        e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None),
    ]  # fmt: skip


def waiting() -> list[e.Event]:
    """A job that has waited longer than it should."""
    return [*story()[:2], e.JobDelayed(ready_at=READY)]


class Template:
    """One story, ready to be said of any job: what differs is put in as bytes."""

    def __init__(self, events: list[e.Event]) -> None:
        cause = Cause(actor=SYSTEM, causation_id=PLACE)
        batch = Batch(0, NUMBER, bytes(32), AT)
        job: Job | None = None
        drafts = batch.draft("default", PLACE, 0, events, cause)
        for recorded, _ in drafts:
            job = fold(job, recorded)
        batch.add(drafts, cause)
        assert job
        self.job = job
        self.doc = msgspec.json.encode(job)
        self.types = [recorded.type for recorded, _ in drafts]
        self._ref = ref_of(PLACE, "Export").encode()
        self.lines = list(batch.params()[7])  # type: ignore[call-overload]  # the lines' column

    def events(self, job: str, key: bytes, position: int, before: bytes) -> Iterator[tuple[object, ...]]:
        named, place, digest = job.encode(), PLACE.encode(), key.hex().encode()
        for n, (kind, line) in enumerate(zip(self.types, self.lines, strict=True), 1):
            raw = line.replace(place, named).replace(b"%d" % (NUMBER + n), b"%d" % (position + n))
            raw = raw.replace(DIGEST, digest).replace(self._ref, ref_of(job, "Export").encode())
            before = sha256(before + sha256(raw).digest()).digest()
            yield position + n, "default", job, n, kind, AT, str(SYSTEM), raw, before, 0

    def row(self, job: str, position: int, key: bytes) -> tuple[object, ...]:
        last = position + len(self.types)
        doc = (
            self.doc.replace(PLACE.encode(), job.encode())
            .replace(b"%d" % (NUMBER + len(self.types)), b"%d" % last)
            .replace(DIGEST, key.hex().encode())
            .replace(self._ref, ref_of(job, "Export").encode())
        )
        return (
            0, UUID(job), "default", ref_of(job, "Export"), TYPE, "ann", "Export", str(visible(self.job.phase)),
            len(self.types), position + 1, last, AT, doc, REQUEST, key, next_due(self.job),
        )  # fmt: skip


class Filler:
    """Puts jobs at the end of an empty log."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.position, self._hash = 0, bytes(32)

    async def fill(self, events: list[e.Event], jobs: int, *, queued: bool) -> None:
        template = Template(events)
        for first in range(0, jobs, CHUNK):
            await self._chunk(template, min(CHUNK, jobs - first), queued=queued)
        move = "update heads set position = $1, hash = $2, recorded_at = $3 where partition = 0"
        await self._conn.execute(move, self.position, self._hash, AT)

    async def _chunk(self, template: Template, jobs: int, *, queued: bool) -> None:
        lines: list[tuple[object, ...]] = []
        rows: list[tuple[object, ...]] = []
        keys: list[tuple[object, ...]] = []
        ids = [uuid7() for _ in range(jobs)]
        for job in ids:
            key = os.urandom(32)
            rows.append(template.row(job, self.position, key))
            keys.append((0, "default", key, UUID(job), AT, queued, str(visible(template.job.phase))))
            lines += template.events(job, key, self.position, self._hash)
            self.position += len(template.types)
            self._hash = lines[-1][8]  # type: ignore[assignment]  # its hash
        await self._conn.copy_records_to_table("events", records=lines, columns=EVENTS)
        await self._conn.copy_records_to_table("jobs", records=rows, columns=ROWS)
        dedupe = ("partition", "tenant", "key", "job", "first_at", "active", "state")
        await self._conn.copy_records_to_table("dedupe", records=keys, columns=dedupe)
        if queued:
            queue = [(0, UUID(job), "default", TYPE, "ann", 0, AT, True) for job in ids]
            columns = ("partition", "job", "tenant", "type", "owner", "priority", "ready_at", "delayed")
            await self._conn.copy_records_to_table("queue", records=queue, columns=columns)


async def build(data: Path, ended: int, queued: int) -> tuple[int, float]:
    """The store below `data`. Answers its events, and how long it took."""
    began = time.perf_counter()
    async with EmbeddedStack(data) as stack:
        await migrate(stack.database_url, 1)
        conn = await asyncpg.connect(stack.database_url)
        filler = Filler(conn)
        await filler.fill(story(), ended, queued=False)
        await filler.fill(waiting(), queued, queued=True)
        await conn.execute("vacuum analyze")
        await conn.close()
        client = await jetstream.connect(stack.nats_url, "bench")
        await jetstream.ensure_streams(client.jetstream(), 1, first_positions={0: filler.position + 1})
        await client.close()
    return filler.position, time.perf_counter() - began


async def over_log(folder: str) -> None:
    """Points of the picture: new jobs on logs of several sizes."""
    for step in range(1, STEPS + 1):
        jobs = JOBS // 4**step
        data = Path(folder) / f"log-{step}"
        events, _ = await build(data, jobs, 0)
        with started([str(TIDINGS), "up", "--data", str(data), "--port", "0", "--no-demo"]) as ours:
            await ready_type(ours["url"], ours["api_key"])
            await point(ours, events)


async def point(ours: dict[str, str], events: int) -> None:
    await settled(int(ours["pid"]), LEARN_MAX_S)
    await load(ours["url"], new_jobs(ours["api_key"]), 1)
    seen = await load(ours["url"], new_jobs(ours["api_key"]), 2)
    said(f"over log: submits at {events} events", seen.rate, "/s")
    said(f"over log: p99 at {events} events", seen.ms(0.99), "ms")


async def drain(url: str, key: str) -> None:
    jobs = min(scaled(10_000, 1_000), QUEUED)
    done = await result(await worker(url, key, SLOTS, jobs))
    said("grown: work: drain", jobs / float(str(done["seconds"])), "jobs/s", f"{jobs:,} of {QUEUED:,} queued and more")


async def main() -> None:
    configure("error")
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        data = Path(folder) / "stack"
        events, took_s = await build(data, JOBS, QUEUED)
        said("grown: store filled by COPY", events / took_s, "events/s", f"{JOBS:,} ended, {QUEUED:,} queued")
        with started([str(TIDINGS), "up", "--data", str(data), "--port", "0", "--no-demo"]) as ours:
            url, key = ours["url"], ours["api_key"]
            await ready_type(url, key)
            await point(ours, events)  # behind the first checkpoint, the statuses of open jobs, and all that follows
            await settled(int(ours["pid"]))
            waiting = json.loads(await plain(url, key, "GET", "/v1/jobs?state=queued&limit=1"))["jobs"]
            assert waiting, "the store has no queued job"
            await measure(url, key, int(ours["pid"]), "grown: ")
            await drain(url, key)
        if not QUICK:
            await over_log(folder)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
