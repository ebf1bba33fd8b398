"""An event of the log as a message of NATS: the sealed line byte for byte, its subject, its headers (CONTRACT 3)."""

from collections.abc import Iterable, Sequence
from sys import intern
from typing import NamedTuple
from urllib.parse import quote

import asyncpg
import msgspec
from msgspec import Struct

from eventstore.archive import packed
from eventstore.archive import read as archived
from eventstore.postgres import Connection
from eventstore.read import job_type_in, job_types
from eventstore.recent import Recent
from eventstore.remembered import forget_oldest
from schemas import subjects
from schemas.envelope import Recorded, seal, time_text
from schemas.events import JobRequested

PAGE_MAX_BYTES = 4 * 1024 * 1024  # of lines in memory: a page of the biggest events would be hundreds of MiB

JOBS_REMEMBERED = 50_000

# By the primary key. Line sizes are known without reading the lines, so only those that fit are read; the first always.
PAGE_SQL = """select position, tenant, stream, type, line, hash from (
        select *, sum(octet_length(line)) over (order by position) - octet_length(line) as before from (
            select * from events where partition = $1 and position > $2 order by position limit $3
        ) next
    ) page where before < $4 order by position"""


Columns = tuple[int, str, str, str, bytes, bytes]


def _columns(row: asyncpg.Record | packed.Row) -> Columns:
    """Of the table or of an archive, in the order of `PAGE_SQL`."""
    if isinstance(row, packed.Row):
        return row.position, row.keys.tenant, row.keys.stream, row.keys.type, row.line, row.hash
    position, tenant, stream, kind, line, digest = row
    return position, tenant, stream, kind, line, digest


class Message(NamedTuple):
    """What is published, but for the headers that say where in the stream it must come."""

    position: int
    subject: str
    body: bytes
    headers: dict[str, str]


class _Head(NamedTuple):
    """Of an event, what its message says beside the line. `begins`: the type of the job that it is the first of."""

    traceparent: str | None
    recorded_at: str
    begins: str | None


class _Line(Struct):
    """Of a line, what its message needs; the rest is skipped."""

    traceparent: str | None
    recorded_at: str


_line = msgspec.json.Decoder(_Line)


class JobTypes:
    """Which type a job has: said by its first event alone, but part of the subject of all of them."""

    def __init__(self, most: int) -> None:
        self._known: dict[tuple[str, str], str | None] = {}
        self._most = most

    def see(self, tenant: str, job: str, job_type: str | None) -> None:
        self._known[tenant, job] = intern(job_type) if job_type else None

    def of(self, tenant: str, job: str) -> str | None:
        return self._known[tenant, job]

    async def learn(self, conn: Connection, partition: int, streams: Iterable[tuple[str, str]]) -> None:
        """Read what is not remembered of `streams`; what is beyond the bound is forgotten first, the oldest of it."""
        forget_oldest(self._known, self._most)
        missing = {each for each in streams if each not in self._known}
        found = await job_types(conn, partition, list(missing)) if missing else {}
        for (tenant, job), job_type in found.items():
            self.see(tenant, job, job_type)


class Outgoing:
    """The messages of one partition, page by page."""

    def __init__(
        self,
        partition: int,
        *,
        recent: Recent | None = None,
        remember: int = JOBS_REMEMBERED,
        cloudevents: bool = False,
    ) -> None:
        self._partition = partition
        self._recent = recent or Recent()
        self._types = JobTypes(remember)
        self._cloudevents = cloudevents

    async def page(self, conn: Connection, after: int, limit: int) -> list[Message]:
        """The next messages, in order; bounded in count and in bytes."""
        at_hand = self._recent.rows(after, limit)
        heads = [_head_of(each) for each in self._recent.recorded(after, limit)]
        rows = [(r.position, r.tenant, r.stream, r.type, r.line, r.hash) for r in at_hand]
        if not rows:
            rows = await self._read(conn, after, limit)
            heads = [_head_in(kind, line) for _, _, _, kind, line, _ in rows]
        await self._types.learn(conn, self._partition, self._older_jobs(rows))
        return [self._message(row, head) for row, head in zip(rows, heads, strict=True)]

    async def _read(self, conn: Connection, after: int, limit: int) -> list[Columns]:
        there = await conn.fetch(PAGE_SQL, self._partition, after, limit, PAGE_MAX_BYTES)
        return [_columns(row) for row in await archived.lines(conn, self._partition, after, limit, there)]

    def _older_jobs(self, rows: Sequence[Columns]) -> Iterable[tuple[str, str]]:
        """The jobs of a page that did not begin in it."""
        begun: set[tuple[str, str]] = set()
        for _, tenant, stream, kind, _, _ in rows:
            if kind == JobRequested.__name__:
                begun.add((tenant, stream))
            elif _is_job(stream) and (tenant, stream) not in begun:
                yield tenant, stream

    def _message(self, row: Columns, head: _Head) -> Message:
        position, tenant, stream, kind, line, digest = row
        job_type = None
        headers = {"Tidings-Position": str(position)}
        if _is_job(stream):
            if head.begins:
                self._types.see(tenant, stream, head.begins)
            job_type = self._types.of(tenant, stream)
            headers["Tidings-Job"] = stream
        if head.traceparent:
            headers["traceparent"] = head.traceparent
        if self._cloudevents:
            headers |= self._cloudevent(position, tenant, stream, kind, head.recorded_at)
        return Message(position, subjects.event(self._partition, tenant, job_type, kind), seal(line, digest), headers)

    def _cloudevent(self, position: int, tenant: str, stream: str, kind: str, time: str) -> dict[str, str]:
        """CloudEvents 1.0, binary mode: in NATS every attribute is a `ce-` header, its value percent-encoded."""
        return {
            "ce-specversion": "1.0",
            "ce-id": f"{self._partition}-{position}",
            "ce-source": f"/tidings/{tenant}",
            "ce-type": f"{subjects.ROOT}.{kind}",
            "ce-subject": quote(stream, safe="/:"),
            "ce-time": time,
            "ce-datacontenttype": "application/json",
        }


def _head_of(recorded: Recorded) -> _Head:
    begins = recorded.data.type if isinstance(recorded.data, JobRequested) else None
    return _Head(recorded.traceparent, time_text(recorded.recorded_at), begins)


def _head_in(kind: str, raw: bytes) -> _Head:
    line = _line.decode(raw)
    begins = job_type_in(raw)[1] if kind == JobRequested.__name__ else None
    return _Head(line.traceparent, line.recorded_at, begins)


def _is_job(stream: str) -> bool:
    """`type:<name>` and `tenant:<name>` are no jobs."""
    return ":" not in stream
