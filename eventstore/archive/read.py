"""Going on in archives: what every reader does where the table has no row any more.

The table is asked first, always. Only where it has a gap are archives looked for, so a log without any costs nothing.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import pairwise

import asyncpg
from msgspec import Struct

from eventstore.archive import place
from eventstore.archive.packed import Damaged, Row, unpacked
from eventstore.postgres import Connection
from schemas.ids import is_uuid

STREAM_BYTES = 8 * 1024 * 1024  # of one answer

# By archives_last.
_COVERS = """select first, last, name, starts, offsets, size from archives
    where partition = $1 and last > $2 order by last limit 1"""
_RECORDS = """select first, last, name, before, hash, root, size, digest from archives
    where partition = $1 order by first"""
_UPTO = "select coalesce(max(last), 0) from archives where partition = $1"
# By the primary key, as `projections/status/read.py` has it.
_BOUNDS = """with named as materialized (
        select tenant, created_position, position, version from jobs where partition = $1 and id = $3::uuid
    )
    select created_position, position, version from named where tenant = $2"""


class Archive(Struct, frozen=True):
    """One file, and where its blocks are."""

    first: int
    last: int
    name: str
    starts: list[int]
    offsets: list[int]
    size: int

    async def block(self, conn: Connection, position: int) -> list[Row]:
        """The rows of the block that holds a position. Raises Damaged."""
        # What the database says of its blocks is as little to be trusted as the file: each position has one block.
        if not (_begins(self.starts, self.first, self.last) and _begins(self.offsets, 0, self.size - 1)):
            raise Damaged(self.name, self.first, "its blocks are not where they were put")
        number = bisect_right(self.starts, position) - 1
        start = self.starts[number]
        ends = [*self.starts[1:], self.last + 1], [*self.offsets[1:], self.size]
        try:
            raw = await place.get(conn, self.name, self.offsets[number], ends[1][number])
        except (FileNotFoundError, place.NoPlace) as error:
            raise Damaged(self.name, start, "it is not in its place") from error
        return unpacked(self.name, raw, start, ends[0][number] - start)


class Record(Struct, frozen=True):
    """What the database says that an archive holds: the chain's hash before and at its end, the root over its lines."""

    first: int
    last: int
    name: str
    before: bytes
    hash: bytes
    root: bytes
    size: int
    digest: bytes | None

    async def check_file(self, conn: Connection) -> None:
        """The file is what was put there, to the byte. Raises Damaged."""
        found, at = sha256(), 0
        try:
            while more := await place.get(conn, self.name, at, at + place.CHUNK_BYTES):
                found.update(more)
                at += len(more)
        except (FileNotFoundError, place.NoPlace) as error:
            raise Damaged(self.name, self.first, "it is not in its place") from error
        if at != self.size or self.digest not in {None, found.digest()}:
            raise Damaged(self.name, self.first, "the file is another one than was put there")


async def records(conn: Connection, partition: int) -> list[Record]:
    """Of all archives, by their first position."""
    return [Record(*row) for row in await conn.fetch(_RECORDS, partition)]


def in_order(found: Sequence[Record], head: int) -> bool:
    """Whether they lie one behind the other, from the first event on and none beyond the last."""
    last = 0
    for each in found:
        if not (each.first == last + 1 <= each.last <= head):
            return False
        last = each.last
    return True


def _begins(places: Sequence[int], first: int, last: int) -> bool:
    """Whether they rise from the first on, none beyond the last."""
    return bool(places) and places[0] == first and places[-1] <= last and all(a < b for a, b in pairwise(places))


async def upto(conn: Connection, partition: int) -> int:
    """The last position that stands in an archive; 0 where none does."""
    found: int = await conn.fetchval(_UPTO, partition)
    return found


async def find(conn: Connection, partition: int, position: int) -> Archive | None:
    """The archive that a position stands in."""
    row = await conn.fetchrow(_COVERS, partition, position - 1)
    return Archive(**dict(row)) if row and row["first"] <= position else None


async def page(conn: Connection, partition: int, after: int, limit: int) -> list[Row]:
    """The next archived rows, at most those of one block; none where the next position is in no archive."""
    found = await find(conn, partition, after + 1)
    if found is None:
        return []
    return [row for row in await found.block(conn, after + 1) if row.position > after][:limit]


async def last_before(conn: Connection, partition: int, at: datetime) -> int:
    """The last archived position that was recorded before a moment: halves, a block read for each."""
    low, high = 0, await upto(conn, partition)
    while low < high:
        middle = (low + high + 1) // 2
        (row,) = await page(conn, partition, middle - 1, 1)
        low, high = (middle, high) if row.recorded_at < at else (low, middle - 1)
    return low


async def between(conn: Connection, partition: int, after: int, last: int) -> AsyncIterator[list[Row]]:
    """All archived rows after a position up to another, block by block."""
    while after < last and (rows := await page(conn, partition, after, last - after)):
        yield rows
        after = rows[-1].position


async def of_stream(
    conn: Connection,
    partition: int,
    tenant: str,
    stream: str,
    after_version: int,
    limit: int,
    bytes_max: int = STREAM_BYTES,
) -> list[Row]:
    """Archived rows of one stream, in order. A job's are looked for between its first and its last event alone."""
    last = await upto(conn, partition)
    after = 0
    if last and is_uuid(stream):
        job = await conn.fetchrow(_BOUNDS, partition, tenant, stream)
        if job is None or job["version"] <= after_version:
            return []
        after, last = job["created_position"] - 1, min(last, job["position"])
    word, found, size = f'"stream":"{stream}"'.encode(), list[Row](), 0
    async for rows in between(conn, partition, after, last):
        for row in rows:
            if word in row.line and _is_of(row, tenant, stream, after_version):
                found.append(row)
                size += len(row.line)
                if len(found) == limit or size >= bytes_max:
                    return found
    return found


def _is_of(row: Row, tenant: str, stream: str, after_version: int) -> bool:
    keys = row.keys
    return keys.stream == stream and keys.tenant == tenant and keys.version > after_version


async def lines(
    conn: Connection, partition: int, after: int, limit: int, rows: Sequence[asyncpg.Record]
) -> Sequence[asyncpg.Record | Row]:
    """A page of a partition as the table gave it, or the archived one that stands where it has a gap."""
    if rows and rows[-1]["position"] - after == len(rows):
        return rows
    return await page(conn, partition, after, limit) or rows


async def merged(
    conn: Connection,
    partition: int,
    tenant: str,
    stream: str,
    after_version: int,
    limit: int,
    rows: Sequence[asyncpg.Record],
    bytes_max: int = STREAM_BYTES,
) -> list[asyncpg.Record | Row]:
    """A page of a stream as the table gave it, and where it has gaps, what is archived. Without a gap itself.

    Rows have version, line and hash. A page may be short though there is more: only an empty one is the end.
    """
    if rows and rows[-1]["version"] - after_version == len(rows):
        return list(rows)
    found: list[asyncpg.Record | Row] = []
    known: dict[int, asyncpg.Record | Row] = {row["version"]: row for row in rows}
    # Lines of jobs that were open when a range left stand in both.
    for old in await of_stream(conn, partition, tenant, stream, after_version, limit, bytes_max):
        known.setdefault(old.keys.version, old)
    while len(found) < limit and (row := known.get(after_version + len(found) + 1)):
        found.append(row)
    return found
