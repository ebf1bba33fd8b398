"""A second build kept beside the live projections all the time, and compared with them again and again.

One process does it for all; others stand by. What it finds is told once and counted; `tidings projections repair`
mends it.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from msgspec import Struct

from eventstore.postgres import AWAY, IN_ORDER, NOTICE_GONE, Connection, pauses
from projections.verify import Difference, second_build

log = structlog.get_logger()

LOCK = 0x7469_7376
_TRY_LOCK = "select pg_try_advisory_lock($1)"

Place = tuple[str, str]  # table, key in words


class Pass(Struct, frozen=True):
    """One comparison of all tables. `positions`: by partition, where live and rebuilt both stood."""

    positions: dict[int, int]
    differences: list[Difference]


class Shadow:
    """A role. `every_s`: the pause between two comparisons; each reads all rows once."""

    def __init__(self, dsn: str, *, every_s: float, standby_s: float = 2.0) -> None:
        self._dsn = dsn
        self._every_s = every_s
        self._standby_s = standby_s
        self._known: set[Place] = set()
        self.passes = 0
        self.spoiled: Counter[str] = Counter()  # by table, each spoiled row once
        self.differing: Counter[str] = Counter()  # rows of the last pass

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for, and a log that can't be built is told."""
        waits = pauses()
        while True:
            try:
                await follow(self._dsn, self._see, every_s=self._every_s, standby_s=self._standby_s)
            except AWAY as error:
                log.warning("the second build waits for the database", error=repr(error))
                await asyncio.sleep(next(waits))
            except Exception:  # whatever a changed log or schema brings: told, and begun anew
                log.exception("the second build failed and is begun anew")
                await asyncio.sleep(self._standby_s)

    async def _see(self, found: Pass) -> bool:
        places = {(each.table, str(each.key)): each for each in found.differences}
        for place, each in places.items():
            if place not in self._known:
                self.spoiled[each.table] += 1
                log.error(
                    "a row is not what the log says",
                    table=each.table, key=each.key, column=each.column, next="tidings projections repair",
                )  # fmt: skip
        self._known = set(places)
        self.differing = Counter(table for table, _ in places)
        self.passes += 1
        return True


async def follow(
    dsn: str, see: Callable[[Pass], Awaitable[bool]], *, every_s: float, standby_s: float | None = None
) -> None:
    """Build, compare, tell `see`, pause, and again while it wants. `standby_s`: only where nobody else does."""
    conn = await asyncpg.connect(dsn, server_settings={**IN_ORDER, **NOTICE_GONE})
    try:
        if standby_s is not None:
            await _alone(conn, standby_s)
        async with second_build(conn) as second:
            while True:
                differences = await second.differences()
                if not await see(Pass(dict(second.positions), differences)):
                    return
                await asyncio.sleep(every_s)
    finally:
        conn.terminate()


async def _alone(conn: Connection, standby_s: float) -> None:
    """Ask, never wait, for the lock: a waiting statement would hold a snapshot and keep vacuum from its work."""
    while not await conn.fetchval(_TRY_LOCK, LOCK):  # noqa: ASYNC110 - another process holds it: no event tells
        await asyncio.sleep(standby_s)
