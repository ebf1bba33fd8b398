"""Every row of a partition in the order of positions, whatever they are, from one server-side cursor.

Memory stays bounded: a page of large lines is a short one. Of what left the table, the archives' rows come first.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.cursor import Cursor

from eventstore.archive import read as archived
from eventstore.archive.packed import Row
from eventstore.postgres import Connection

PAGE_ROWS = 4096  # whole subtrees of the Merkle tree
FIRST_ROWS = 128
PAGE_BYTES = 4 * 1024 * 1024

# By the primary key; without it, one sort. Positions below 1 and above the head are rows as well.
_ROWS = """select position, tenant, stream, version, type, recorded_at, actor, line, hash
    from events where partition = $1 and (position > $2 or position < 1) order by position"""
_CARRIED = """select position, line, hash, tenant, stream, version, type, recorded_at, actor
    from events where partition = $1 and position >= $2 and position <= $3"""
_PARTITIONS = """with recursive found as (
        (select partition from events order by partition limit 1)
        union all
        select (select e.partition from events e where e.partition > found.partition order by e.partition limit 1)
        from found where found.partition is not null
    )
    select partition from found where partition is not null union select partition from heads order by partition"""

NO_SORT = "set local enable_sort = off"  # rows come by the index; sorting them all would need their size again
SNAPSHOT = "select format('set transaction snapshot %L', pg_export_snapshot())"  # what another session runs to share it

Page = Sequence[asyncpg.Record | Row]


async def partitions(conn: Connection) -> list[int]:
    """All that have a head or an event."""
    return [row["partition"] for row in await conn.fetch(_PARTITIONS)]


async def pages(conn: Connection, partition: int) -> AsyncIterator[Page]:
    """Inside a transaction of the caller's. Raises Damaged, for an archive that can't be read."""
    upto = await archived.upto(conn, partition)
    reached = 0  # an archive that is not on record is a gap in the table
    async for old in archives(conn, partition, 0, upto):
        reached = old[-1]["position"]
        yield old
    cursor = await conn.cursor(_ROWS, partition, reached)
    size = FIRST_ROWS
    while page := await cursor.fetch(size):
        yield page
        size = _next_size(page)


async def archives(conn: Connection, partition: int, after: int, upto: int) -> AsyncIterator[Page]:
    """The archived rows of these positions, and what the table still has of them: it must be the same, to the byte.

    A row of the table that differs comes before the archive's own, so that it is seen. Raises Damaged.
    """
    async for old in archived.between(conn, partition, after, upto):
        first, last = old[0].position, old[-1].position
        carried = {row["position"]: row for row in await conn.fetch(_CARRIED, partition, first, last)}
        page: list[asyncpg.Record | Row] = []
        for row in old:
            copy = carried.get(row.position)
            if copy is not None and tuple(copy) != tuple(row):
                page.append(copy)
            page.append(row)
        yield page
        await asyncio.sleep(0)


@asynccontextmanager
async def ahead(cursor: Cursor) -> AsyncIterator[AsyncIterator[Page]]:
    """The pages of a cursor over lines; while one is worked on, the server is at the next. Two are in memory."""
    pages = _ahead(cursor)
    try:
        yield pages
    finally:
        await pages.aclose()


async def _ahead(cursor: Cursor) -> AsyncGenerator[Page, None]:
    coming = asyncio.ensure_future(cursor.fetch(FIRST_ROWS))
    try:
        while page := await coming:
            coming = asyncio.ensure_future(cursor.fetch(_next_size(page)))
            await asyncio.sleep(0)  # it is sent before the page is worked on, which holds the loop
            yield page
    finally:
        await asyncio.wait([coming])  # the connection is of use again


def _next_size(page: Page) -> int:
    mean = sum(len(row["line"]) for row in page) // len(page) + 1
    return max(1, min(PAGE_ROWS, PAGE_BYTES // mean))
