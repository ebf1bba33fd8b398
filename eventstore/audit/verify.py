"""Proof that the history is as it was written: every row of every partition, the heads and the checkpoints.

Needs the database alone and appends nothing. Each partition is read in one snapshot of its own, so the service runs on
meanwhile; what is appended after it is for the next time.
"""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from eventstore.audit import diagnose, rows
from eventstore.audit.diagnose import HeadRow
from eventstore.audit.signed import Outside, Trust, signed
from eventstore.audit.walk import Bad, Kind, Walk
from eventstore.postgres import Connection, Pool

Progress = Callable[[int], None]

_HEAD = "select position, hash from heads where partition = $1"
_TOTAL = "select coalesce(sum(position), 0)::bigint from heads"
_NO_SORT = "set local enable_sort = off"  # rows come by the index; sorting them all would need their size again


class Verified(Struct, frozen=True):
    """How far a partition is as it was written."""

    partition: int
    position: int
    hash: str


class Report(Struct, frozen=True):
    """Of `tidings audit verify --json`."""

    ok: bool
    events: int
    partitions: list[Verified]
    first_bad: Bad | None


async def total(pool: Pool) -> int:
    """How many events the heads tell of."""
    found: int = await pool.fetchval(_TOTAL)
    return found


async def verify(
    pool: Pool, trust: Trust, outside: Sequence[Outside] = (), *, progress: Progress = lambda _: None
) -> Report:
    """All partitions, side by side. `outside`: checkpoints that are kept elsewhere. `progress` is told of new rows."""
    async with pool.acquire() as conn:
        numbers = await rows.partitions(conn)
    found = await asyncio.gather(*(_partition(pool, number, trust, outside, progress) for number in numbers))
    bad = [each for _, each in found if each]
    whole = [Verified(walk.partition, walk.position, walk.hash.hex()) for walk, _ in found]
    return Report(not bad, sum(each.position for each in whole), whole, bad[0] if bad else None)


async def _partition(
    pool: Pool, partition: int, trust: Trust, outside: Sequence[Outside], progress: Progress
) -> tuple[Walk, Bad | None]:
    async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(_NO_SORT)
        checkpoints, spoiled = await signed(conn, partition, trust, outside)
        walk = Walk(partition, checkpoints)
        bad = await _walk(conn, walk, progress)
    if bad is None or (spoiled and spoiled.position < bad.position):
        bad = spoiled or bad
    return walk, bad


async def _walk(conn: Connection, walk: Walk, progress: Progress) -> Bad | None:
    row = await conn.fetchrow(_HEAD, walk.partition)
    if row is None:
        return Bad(walk.partition, 0, Kind.HEAD, "the partition has no head")
    head = HeadRow(*row)
    async for page in rows.pages(conn, walk.partition):
        for each in page:
            if each["position"] > head.position == walk.position:
                return diagnose.beyond_head(walk, head, each["position"])
            if not walk.step(each["position"], each["line"], each["hash"]):
                return await diagnose.at_row(conn, walk, each)
            if bad := walk.compare(each) or walk.check_signed():
                return bad
        progress(len(page))
        await asyncio.sleep(0)
    return await diagnose.at_end(conn, walk, head) or walk.check_end()
