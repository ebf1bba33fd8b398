"""Reading the log: by position and by stream, as decoded events or as sealed bytes. Keyset paged, always complete.

Positions are contiguous and commit in order, so `position > after` never misses an event that is still on its way.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import structlog
from msgspec import Raw, Struct

from eventstore.archive import read as archived
from eventstore.postgres import Connection
from schemas.envelope import Recorded, decode, seal
from schemas.events import JobRequested

PAGE = 1000

log = structlog.get_logger()

_HEAD = "select position from heads where partition = $1"
_HEADS = "select partition, position from heads order by partition"
# By bisection: positions and times rise together. Some twenty look-ups by the primary key (partition, position).
_BEFORE = """with recursive halves (low, high) as (
        select 0::bigint, position from heads where partition = $1
        union all
        select case when earlier then middle else low end, case when earlier then high else middle - 1 end
        from halves
        cross join lateral (select (low + high + 1) / 2 as middle) m
        cross join lateral (
            select coalesce((select recorded_at < $2 from events where partition = $1 and position >= middle
                             order by position limit 1), false) as earlier
        ) e
        where low < high
    ) select low from halves where low = high"""
# By the primary key (partition, position).
READ_SQL = "select position, line from events where partition = $1 and position > $2 order by position limit $3"
# By events_stream_version (partition, tenant, stream, version).
_READ_STREAM = """select version, line, hash from events
    where partition = $1 and tenant = $2 and stream = $3 and version > $4 order by version limit $5"""
# Each by the same index: `offset 0` keeps the planner from reading the whole log for a few hundred of them.
FIRSTS_SQL = """select line from unnest($2::text[], $3::text[]) w (tenant, stream) cross join lateral (
        select line from events e
        where e.partition = $1 and e.tenant = w.tenant and e.stream = w.stream and e.version = 1 offset 0
    ) first"""


async def head(conn: Connection, partition: int) -> int:
    """The last position of a partition; 0 for an empty one."""
    position: int = await conn.fetchval(_HEAD, partition)
    return position


async def heads(conn: Connection) -> dict[int, int]:
    """The last position of each partition."""
    return {row["partition"]: row["position"] for row in await conn.fetch(_HEADS)}


async def last_before(conn: Connection, partition: int, at: datetime) -> int:
    """The last position that was recorded before a moment; 0 where there is none."""
    position: int = await conn.fetchval(_BEFORE, partition, at)
    if position >= await archived.upto(conn, partition):
        return position
    return await archived.last_before(conn, partition, at)


async def read_lines(conn: Connection, partition: int, after: int = 0, limit: int = PAGE) -> list[bytes]:
    """The next lines of a partition, as they stand in the log, whether in the table or in an archive."""
    rows = await conn.fetch(READ_SQL, partition, after, limit)
    return [row["line"] for row in await archived.lines(conn, partition, after, limit, rows)]


async def read(conn: Connection, partition: int, after: int = 0, limit: int = PAGE) -> list[Recorded]:
    """The next events of a partition."""
    return [decode(line) for line in await read_lines(conn, partition, after, limit)]


async def read_known(conn: Connection, partition: int, after: int = 0, limit: int = PAGE) -> tuple[list[Recorded], int]:
    """The next events that this version of the code knows, and the position up to which that is all of them.

    For who only watches: while processes of two versions run side by side, the older one may meet an event that it
    can't read. What builds something must not leave one out.
    """
    lines = await read_lines(conn, partition, after, limit)
    found = []
    for position, line in enumerate(lines, after + 1):
        try:
            found.append(decode(line))
        except (msgspec.DecodeError, KeyError) as error:
            log.error("an event can't be read", partition=partition, position=position, error=repr(error))
    last = found[-1].position if found else after  # beyond the count where somebody has removed a row
    return found, max(last, after + len(lines))


async def read_stream(
    conn: Connection, partition: int, tenant: str, stream: str, after_version: int = 0, limit: int = PAGE
) -> list[Recorded]:
    """The next events of one stream: a job's, a type's or a tenant's own."""
    rows = await conn.fetch(_READ_STREAM, partition, tenant, stream, after_version, limit)
    found = await archived.merged(conn, partition, tenant, stream, after_version, limit, rows)
    return [decode(row["line"]) for row in found]


async def read_sealed(
    conn: Connection, partition: int, tenant: str, stream: str, after_version: int = 0, limit: int = PAGE
) -> list[bytes]:
    """The same as sealed lines, byte for byte as they stand in the log."""
    rows = await conn.fetch(_READ_STREAM, partition, tenant, stream, after_version, limit)
    found = await archived.merged(conn, partition, tenant, stream, after_version, limit, rows)
    return [seal(row["line"], row["hash"]) for row in found]


async def job_types(
    conn: Connection, partition: int, streams: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str | None]:
    """The type of each (tenant, job), which its first event alone says; None for a stream that is no job's."""
    tenants, names = [tenant for tenant, _ in streams], [name for _, name in streams]
    firsts = [row["line"] for row in await conn.fetch(FIRSTS_SQL, partition, tenants, names)]
    found = dict(map(job_type_in, firsts))
    for tenant, name in streams:
        if (tenant, name) not in found:  # archived, and gone on since
            rows = await archived.of_stream(conn, partition, tenant, name, 0, 1)
            found |= dict(job_type_in(row.line) for row in rows if row.keys.version == 1)
    return found


class _First(Struct):
    """Of a line, what says the type; the rest is skipped, and most of it is the rest."""

    tenant: str
    stream: str
    type: str
    data: Raw


class _Requested(Struct):
    type: str


_first = msgspec.json.Decoder(_First)
_requested = msgspec.json.Decoder(_Requested)


def job_type_in(line: bytes) -> tuple[tuple[str, str], str | None]:
    """(tenant, stream) of an event, and its job's type where it is the event that says it."""
    first = _first.decode(line)
    begins = first.type == JobRequested.__name__
    return (first.tenant, first.stream), _requested.decode(first.data).type if begins else None
