"""Proof that the history is as it was written: every row of every partition, the heads and the checkpoints.

Needs the database alone and appends nothing. Each partition is read in one snapshot of its own, so the service runs on
meanwhile; what is appended after it is for the next time.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from eventstore.archive import read as archived
from eventstore.archive.packed import Damaged
from eventstore.archive.read import Record, in_order
from eventstore.audit import carried, diagnose, rows
from eventstore.audit.diagnose import HeadRow
from eventstore.audit.parts import Held, Part, Progress, check_part, joined, split
from eventstore.audit.signed import Outside, Trust, signed
from eventstore.audit.walk import Bad, Kind, Signed, Walk
from eventstore.audit.workers import Workers
from eventstore.postgres import Connection, Pool

_HEAD = "select position, hash from heads where partition = $1"
_TOTAL = "select coalesce(sum(position), 0)::bigint from heads"
_ASIDE = "select exists (select from events where partition = $1 and (position < 1 or position > $2))"


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
    pool: Pool,
    trust: Trust,
    outside: Sequence[Outside] = (),
    *,
    progress: Progress = lambda _: None,
    helpers: Workers | None = None,
) -> Report:
    """All partitions, side by side. `outside`: checkpoints that are kept elsewhere. `progress` is told of new rows.

    First in ranges, each for itself, by `helpers` or here; only where one does not hold is the partition walked through
    from its first event, to say what happened to which.
    """
    async with pool.acquire() as conn:
        numbers = await rows.partitions(conn)
    partitions = (_Partition(number, trust, outside, progress, helpers) for number in numbers)
    found = await asyncio.gather(*(each.verify(pool) for each in partitions))
    bad = [each for _, each in found if each]
    whole = [each for each, _ in found]
    return Report(not bad, sum(each.position for each in whole), whole, bad[0] if bad else None)


class _Partition(Struct, frozen=True):
    """One partition, in one snapshot."""

    number: int
    trust: Trust
    outside: Sequence[Outside]
    progress: Progress
    helpers: Workers | None

    async def verify(self, pool: Pool) -> tuple[Verified, Bad | None]:
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            await conn.execute(rows.NO_SORT)
            checkpoints, spoiled = await signed(conn, self.number, self.trust, self.outside)
            row = await conn.fetchrow(_HEAD, self.number)
            head = HeadRow(*row) if row else None
            records = await archived.records(conn, self.number)
            held = await self._held(conn, head, checkpoints, records) if head and not spoiled else None
            if head and held is not None:
                whole = Verified(self.number, head.position, head.hash.hex())
                return whole, await carried.missing(conn, self.number, held)
            walk = Walk(self.number, checkpoints, records)
            bad = await self._walked(conn, walk, head, records)
        if bad is None or (spoiled and spoiled.position < bad.position):
            bad = spoiled or bad
        return Verified(self.number, walk.position, walk.hash.hex()), bad

    async def _held(
        self, conn: Connection, head: HeadRow, checkpoints: Sequence[Signed], records: Sequence[Record]
    ) -> list[Held] | None:
        """The ranges, where all of them hold and make up one log."""
        if any(each.position > head.position for each in checkpoints) or not in_order(records, head.position):
            return None
        if await conn.fetchval(_ASIDE, self.number, head.position):
            return None
        parts = split(self.number, head.position, [each.position for each in checkpoints], records)
        held = await (self._by_helpers(conn, parts, self.helpers) if self.helpers else self._here(conn, parts))
        return held if held is not None and joined(held, head.hash, checkpoints) else None

    async def _walked(
        self, conn: Connection, walk: Walk, head: HeadRow | None, records: Sequence[Record]
    ) -> Bad | None:
        """The first bad event; where it stands in an archive, that is named."""
        try:
            bad = await _walk(conn, walk, head)
            for record in () if bad else records:
                await record.check_file(conn)
        except Damaged as error:
            return Bad(self.number, error.position, Kind.MISSING, f"in the archive {error.name}: {error.detail}")
        old = await archived.find(conn, self.number, bad.position) if bad else None
        if bad is None or old is None or bad.kind is Kind.CHECKPOINT:
            return bad
        return Bad(self.number, bad.position, bad.kind, f"{bad.detail}; it stands in the archive {old.name}")

    async def _here(self, conn: Connection, parts: Sequence[Part]) -> list[Held] | None:
        found: list[Held] = []
        for part in parts:
            held = await check_part(conn, part, self.progress)
            if held is None:
                return None
            found.append(held)
            await asyncio.sleep(0)
        return found

    async def _by_helpers(self, conn: Connection, parts: Sequence[Part], helpers: Workers) -> list[Held] | None:
        snapshot: str = await conn.fetchval(rows.SNAPSHOT)

        async def check(part: Part) -> Held | None:
            held = await helpers.check(snapshot, part)
            self.progress(part.upto - part.after)
            return held

        found = await asyncio.gather(*(check(part) for part in parts))
        return None if None in found else [each for each in found if each]


async def _walk(conn: Connection, walk: Walk, head: HeadRow | None) -> Bad | None:
    if head is None:
        return Bad(walk.partition, 0, Kind.HEAD, "the partition has no head")
    async for page in rows.pages(conn, walk.partition):
        for each in page:
            if each["position"] > head.position == walk.position:
                return diagnose.beyond_head(walk, head, each["position"])
            if not walk.step(each["position"], each["line"], each["hash"]):
                return await diagnose.at_row(conn, walk, each)
            if bad := walk.compare(each) or walk.check_record() or walk.check_signed():
                return bad
        await asyncio.sleep(0)
    return await diagnose.at_end(conn, walk, head) or walk.check_end()
