"""Which process works on which partition: advisory locks on one connection, given back the moment its process dies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self

import asyncpg

from eventstore.ending import end_if_cancelled
from eventstore.postgres import Connection

RELAY = 0x7469_7265  # the class of the relay's locks in this database; the second number is the partition

TAKE_S = 0.5  # between two tries: a statement that waits for a lock would keep old rows from being cleaned up
ANSWER_MAX_S = 3.0

_TRY = "select partition from unnest($2::int[]) partition where pg_try_advisory_lock($1, partition)"
_HELD = """select objid::int as partition from pg_locks
    where locktype = 'advisory' and granted and classid = $1::bigint::oid
      and database = (select oid from pg_database where datname = current_database())"""

# So that the server also notices a client whose whole machine is gone.
_NOTICE = {
    "tcp_keepalives_idle": "1",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "2000",
}


class Locks:
    """The locks of `partitions`, as far as nobody else has them. `on_lost`: the connection is gone, and all of them."""

    def __init__(self, dsn: str, partitions: Sequence[int], *, on_lost: Callable[[], None]) -> None:
        self._dsn = dsn
        self._missing = list(partitions)
        self._on_lost = on_lost
        self._conn: asyncpg.Connection

    async def __aenter__(self) -> Self:
        settings = {"application_name": "tidings-relay", **_NOTICE}
        self._conn = await asyncpg.connect(self._dsn, timeout=ANSWER_MAX_S, server_settings=settings)
        self._conn.add_termination_listener(lambda _: self._on_lost())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._conn.terminate()

    async def taken(self) -> AsyncIterator[int]:
        """Each partition whose lock was got, for ever. The question is asked on with none missing: a sign of life."""
        while True:
            end_if_cancelled()
            rows = await self._conn.fetch(_TRY, RELAY, self._missing, timeout=ANSWER_MAX_S)
            for row in rows:
                self._missing.remove(row["partition"])
                yield row["partition"]
            await asyncio.sleep(TAKE_S)


async def held(conn: Connection) -> set[int]:
    """The partitions that somebody relays."""
    return {row["partition"] for row in await conn.fetch(_HELD, RELAY)}
