"""Async projections: each follows the log with its own checkpoint, woken by the tails.

A projection is a name and one function over a batch of events; the batch and its checkpoint commit together, so every
event counts once whatever is killed. For each (projection, partition) one runner is active, held by a session's
advisory lock: when its process dies, another one takes over within `standby_s` seconds.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import asyncpg
import structlog

from eventstore import followers, read
from eventstore.postgres import AWAY, IN_ORDER, NOTICE_GONE, Connection, pauses
from eventstore.tail import Tail
from schemas.envelope import Recorded

log = structlog.get_logger()

REST_S = 0.1  # under load one transaction takes what ten appends brought; nobody waits for these rows

_TRY_LOCK = "select pg_try_advisory_lock(hashtext('tidings.projection.' || $1), $2)"


# Batch and checkpoint commit together, so what a power cut takes back is only done again: no fsync beside the appends'.
_SESSION = {"synchronous_commit": "off", **IN_ORDER, **NOTICE_GONE}


class Projection(Protocol):
    """What plugs in. `apply` runs in the transaction that moves the checkpoint and must only write through `conn`."""

    @property
    def name(self) -> str: ...

    async def apply(self, conn: Connection, partition: int, recorded: Sequence[Recorded]) -> None: ...


class Runner:
    """One projection over all partitions, on one connection of its own."""

    def __init__(
        self,
        dsn: str,
        tails: Mapping[int, Tail],
        projection: Projection,
        *,
        page: int = read.PAGE,
        standby_s: float = 2.0,
        rest_s: float = REST_S,
    ) -> None:
        self._dsn = dsn
        self._tails = tails
        self._projection = projection
        self._page = page
        self._standby_s = standby_s
        self._rest_s = rest_s
        self.caught_up = asyncio.Event()  # all that the tails know is applied and committed
        self._stir = asyncio.Event()
        self._held: dict[int, int] = {}  # partition → position applied, of those whose lock we have

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for; a failing projection is told and tried again."""
        unsubscribe = [tail.subscribe(lambda _: self._stir.set()) for tail in self._tails.values()]
        waits = pauses()
        try:
            while True:
                try:
                    conn = await asyncpg.connect(self._dsn, server_settings=_SESSION)
                    waits = pauses()
                    await self._follow(conn)
                except AWAY as error:
                    log.warning("projection waits for the database", name=self._projection.name, error=repr(error))
                    await asyncio.sleep(next(waits))
                except Exception:
                    log.exception("projection failed and is tried again", name=self._projection.name, at=self._held)
                    await asyncio.sleep(self._standby_s)
        finally:
            for stop in unsubscribe:
                stop()

    async def _follow(self, conn: Connection) -> None:
        """Apply all there is, then wait for more; from time to time ask for partitions that another runner holds."""
        self._held.clear()
        try:
            while True:
                self._stir.clear()
                await self._take(conn)
                while await self._step(conn):
                    pass
                standing_by = len(self._held) < len(self._tails)
                if not standing_by:
                    self.caught_up.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._standby_s if standing_by else None):
                        await self._stir.wait()
                await asyncio.sleep(self._rest_s)  # before the work: whoever claims the new job comes first
        finally:
            conn.terminate()  # frees the locks

    async def _take(self, conn: Connection) -> None:
        """Ask, never wait, for a lock: a waiting statement would hold a snapshot and keep vacuum from its work."""
        for partition in self._tails.keys() - self._held.keys():
            if await conn.fetchval(_TRY_LOCK, self._projection.name, partition):
                self._held[partition] = await followers.position(conn, self._projection.name, partition) or 0

    async def _step(self, conn: Connection) -> bool:
        """One page of each partition that is behind. Answers whether any was."""
        behind = [partition for partition, position in self._held.items() if position < self._tails[partition].position]
        if behind:
            self.caught_up.clear()
        for partition in behind:
            after = self._held[partition]
            page = self._tails[partition].recent.recorded(after, self._page)
            page = page or await read.read(conn, partition, after, self._page)
            async with conn.transaction():
                await self._projection.apply(conn, partition, page)
                await followers.move(conn, self._projection.name, partition, page[-1].position)
            self._held[partition] = page[-1].position
        return bool(behind)
