"""Every row of a partition in the order of positions, whatever they are, from one server-side cursor.

Memory stays bounded: a page of large lines is a short one. Where old ranges leave the table, this is the one place
that goes on in their archives.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.cursor import Cursor

from eventstore.postgres import Connection

PAGE_ROWS = 4096  # whole subtrees of the Merkle tree
FIRST_ROWS = 128
PAGE_BYTES = 4 * 1024 * 1024

# By the primary key; without it, one sort. Positions below 1 and above the head are rows as well.
_ROWS = """select position, tenant, stream, version, type, recorded_at, actor, line, hash
    from events where partition = $1 order by position"""
_PARTITIONS = """with recursive found as (
        (select partition from events order by partition limit 1)
        union all
        select (select e.partition from events e where e.partition > found.partition order by e.partition limit 1)
        from found where found.partition is not null
    )
    select partition from found where partition is not null union select partition from heads order by partition"""

NO_SORT = "set local enable_sort = off"  # rows come by the index; sorting them all would need their size again
SNAPSHOT = "select format('set transaction snapshot %L', pg_export_snapshot())"  # what another session runs to share it

Page = Sequence[asyncpg.Record]


async def partitions(conn: Connection) -> list[int]:
    """All that have a head or an event."""
    return [row["partition"] for row in await conn.fetch(_PARTITIONS)]


async def pages(conn: Connection, partition: int) -> AsyncIterator[Page]:
    """Inside a transaction of the caller's."""
    cursor = await conn.cursor(_ROWS, partition)
    size = FIRST_ROWS
    while page := await cursor.fetch(size):
        yield page
        size = _next_size(page)


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
