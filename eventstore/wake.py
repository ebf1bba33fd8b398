"""Wake-ups between processes: LISTEN and NOTIFY on a connection of their own, beside the append, never inside it.

A NOTIFY inside the commit would make all appends wait for one lock. A wake-up may get lost; a look at the heads once
in `net_s` seconds is the net. What a wake-up says is only how far a partition has come.
"""

import asyncio
from collections.abc import Mapping

import asyncpg
import structlog

from eventstore import read
from eventstore.postgres import AWAY, Connection, Pool, pauses
from eventstore.tail import Tail

log = structlog.get_logger()

CHANNEL = "tidings"

_NOTIFY = "select pg_notify($1, payload) from unnest($2::text[]) payload"


class Wakeups:
    """Tells other processes what was appended here, and this one's tails what was appended there."""

    def __init__(self, dsn: str, pool: Pool, tails: Mapping[int, Tail], *, net_s: float = 1.0) -> None:
        self._dsn = dsn
        self._pool = pool
        self._tails = tails
        self._net_s = net_s
        self.linked = asyncio.Event()  # announcements are sent and heard
        self._untold: dict[int, int] = {}
        self._stir = asyncio.Event()

    def appended(self, partition: int, position: int) -> None:
        """Announce a commit. However many come while one announcement is on its way, the next one tells them all."""
        self._untold[partition] = position
        self._stir.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_linked())
            tasks.create_task(self._keep_looking())

    async def _keep_linked(self) -> None:
        waits = pauses()
        while True:
            try:
                # An announcement needs no fsync: it tells of a commit that has had its own.
                conn = await asyncpg.connect(self._dsn, server_settings={"synchronous_commit": "off"})
                try:
                    await conn.add_listener(CHANNEL, self._hear)
                    conn.add_termination_listener(lambda _: self._stir.set())
                    waits = pauses()
                    self.linked.set()
                    await self._tell(conn)
                finally:
                    self.linked.clear()
                    conn.terminate()
            except AWAY as error:
                pause = next(waits)
                log.warning("wake-ups wait for the database", error=repr(error), again_s=pause)
                await asyncio.sleep(pause)

    async def _tell(self, conn: Connection) -> None:
        while True:
            await self._stir.wait()
            self._stir.clear()
            untold, self._untold = self._untold, {}
            await conn.execute(_NOTIFY, CHANNEL, [f"{partition}:{position}" for partition, position in untold.items()])

    def _hear(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        self.told(str(payload))

    def told(self, place: str) -> None:
        """A partition has come at least to `<partition>:<position>`, whoever says so; anything else is ignored."""
        partition, _, position = place.partition(":")
        if partition.isdecimal() and position.isdecimal() and (tail := self._tails.get(int(partition))):
            tail.wake(int(position))

    async def _keep_looking(self) -> None:
        while True:
            try:
                async with self._pool.acquire() as conn:
                    for partition, position in (await read.heads(conn)).items():
                        if tail := self._tails.get(partition):
                            tail.wake(position)
            except AWAY as error:
                log.warning("the look at the heads failed", error=repr(error))
            await asyncio.sleep(self._net_s)
