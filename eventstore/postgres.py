"""What a connection is, how a process opens its pool, and which errors mean that the database is away."""

import random
from collections.abc import Iterator

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy
Pool = asyncpg.Pool

# Seen when the server restarts, fails over, refuses for a while or can't be reached: wait and try again.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,  # a full disk: nothing is saved until there is room again
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what the first query on a connection gets that was cut while idle
)

# For sessions that hold a lock: so the server also notices a client whose whole machine is gone, within seconds.
NOTICE_GONE = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}

# A page of the log is read in the order of its key, as far as it goes. Of a young table nothing is known, and the
# planner would as soon fetch and sort all that follows: 59 ms for 1,000 of 9,000 events, and 0.8 ms this way.
IN_ORDER = {"timezone": "UTC", "enable_bitmapscan": "off"}


async def open_pool(dsn: str, size: int, *, name: str = "tidings", reset: bool = True) -> Pool:
    """A pool whose sessions all run in UTC. Its connections are opened as they are needed.

    `reset=False` is for a process that leaves nothing in its sessions (settings, locks, cursors outside a transaction):
    each use then costs one round trip less. An open transaction is rolled back all the same.
    """
    settings = {"application_name": name, **IN_ORDER}
    return await asyncpg.create_pool(
        dsn, min_size=1, max_size=size, server_settings=settings, reset=None if reset else _as_it_is
    )


async def _as_it_is(_: object) -> None:
    pass


def pauses(first_s: float = 0.1, most_s: float = 5.0) -> Iterator[float]:
    """Seconds before each next try: doubling up to `most_s`, with jitter, so that processes don't come at once."""
    pause = first_s
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        pause = min(pause * 2, most_s)
