"""The inline projections, built anew beside the live ones while the service runs, then swapped in one short step.

Until the swap commits, the live tables are untouched: a rebuild that dies leaves only the schema `rebuild`, which the
next one begins by dropping. Leases are no projection and stay in place.
"""

import asyncio
from time import monotonic

import asyncpg
import structlog
from msgspec import Struct

from eventstore import read
from eventstore.append import stop_appends
from eventstore.postgres import Connection, Pool
from projections.apply import TABLES
from projections.build import ANALYZE_SQL, BARE_SQL, INDEXES_SQL, build

log = structlog.get_logger()

LOCK = 0x7469_7265
NEAR = 500  # events still to come when it is worth to stop the appends for the rest
ROUNDS_MAX = 50  # of catching up; a service that outruns the rebuild is stopped for the rest all the same
SWAP_TRIES = 60
SWAP_PAUSE_S = 1.0

_TRY_LOCK = "select pg_try_advisory_lock($1)"
_BESIDE = "set search_path = rebuild, public; set synchronous_commit = off"
_OWNED = "select tableowner = current_user from pg_tables where schemaname = 'public' and tablename = 'jobs'"
_CLEAR = "drop schema if exists rebuild cascade"
_PUT_IN_PLACE = "drop table if exists public.{table}; alter table rebuild.{table} set schema public"
# Less than the server's deadlock_timeout: whoever reads or writes meanwhile never loses to us.
_BE_POLITE = "set local lock_timeout = '500ms'; set local synchronous_commit = on"


class CannotRebuild(Exception):
    """Says why, and what to do. The live projections are as they were."""


class RebuildReport(Struct, frozen=True, kw_only=True):
    """What was rebuilt. `stopped_s`: how long appends had to wait for the swap."""

    events: int
    positions: dict[int, int]  # by partition: the last event in the new tables
    seconds: float
    stopped_s: float


async def rebuild(pool: Pool) -> RebuildReport:
    """Build, catch up, swap. Raises CannotRebuild."""
    began = monotonic()
    async with pool.acquire() as conn:
        await _begin(conn)
        positions = dict.fromkeys(await read.heads(conn), 0)
        await _catch_up(conn, positions)
        stopped_s = await _swap(conn, positions)
        await conn.execute(_CLEAR)
    log.info("projections rebuilt", positions=positions, stopped_s=round(stopped_s, 3))
    return RebuildReport(
        events=sum(positions.values()), positions=positions, seconds=monotonic() - began, stopped_s=stopped_s
    )


async def _begin(conn: Connection) -> None:
    if not await conn.fetchval(_TRY_LOCK, LOCK):
        raise CannotRebuild("Another rebuild is running. Wait until it has ended.")
    if not await conn.fetchval(_OWNED):
        raise CannotRebuild("Only the role that owns the tables can rebuild them. Use the service's own database URL.")
    await conn.execute(_CLEAR)
    await conn.execute("create schema rebuild")
    await conn.execute(_BESIDE)
    await conn.execute(BARE_SQL)


async def _catch_up(conn: Connection, positions: dict[int, int]) -> None:
    """Build until little is left; each round has only what came during the one before.

    Indexes come after the first round, which brings nearly all: made at once, they cost a third of keeping them up.
    """
    for number in range(ROUNDS_MAX):
        before = dict(positions)
        await _build_to(conn, positions, await read.heads(conn))
        if number == 0:
            await conn.execute(INDEXES_SQL)
        if sum(positions.values()) - sum(before.values()) <= NEAR:
            break
    await conn.execute(ANALYZE_SQL)  # the planner must know the new tables before queries meet them


async def _build_to(conn: Connection, positions: dict[int, int], heads: dict[int, int]) -> None:
    for partition, head in heads.items():
        await build(conn, partition, positions[partition], head)
        positions[partition] = head


async def _swap(conn: Connection, positions: dict[int, int]) -> float:
    """Answers the seconds for which appends waited. Long readers of the old tables are waited for between the tries."""
    for _ in range(SWAP_TRIES):
        began, reached = monotonic(), dict(positions)
        try:
            async with conn.transaction():
                await conn.execute(_BE_POLITE)
                stopped = await stop_appends(conn)
                await _build_to(conn, reached, stopped)
                for table in TABLES:
                    await conn.execute(_PUT_IN_PLACE.format(table=table))
        except asyncpg.LockNotAvailableError:
            log.info("the swap waits for readers of the old tables", again_s=SWAP_PAUSE_S)
            await asyncio.sleep(SWAP_PAUSE_S)
            await _build_to(conn, positions, await read.heads(conn))
        else:
            positions.update(reached)
            return monotonic() - began
    await conn.execute(_CLEAR)
    raise CannotRebuild("The old tables were read all the time. Run it again when no long query uses them.")
