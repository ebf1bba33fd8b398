"""Processes that check ranges of the log side by side: one core hashes while another one reads.

They all see the same snapshot as whoever asks. A process is only worth its start for a large log.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import asyncpg

from eventstore.audit import parts, rows
from eventstore.audit.parts import Held, Part, check_part
from eventstore.postgres import IN_ORDER, Connection

WORTH = 4 * parts.PART  # events; below, they are checked sooner than processes have started


class Workers:
    """At most one for each core. `snapshot` is the statement that takes it over (rows.SNAPSHOT gives it)."""

    def __init__(self, pool: ProcessPoolExecutor, count: int) -> None:
        self._pool = pool
        self.count = count

    async def check(self, snapshot: str, part: Part) -> Held | None:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _check, snapshot, part)


@contextmanager
def workers(dsn: str, events: int, most: int | None = None) -> Iterator[Workers | None]:
    """None where one process does it as well. `most`: processes, by default one for each core."""
    count = min(most or os.cpu_count() or 1, events // parts.PART)
    if count < 2 or (most is None and events < WORTH):
        yield None
        return
    # Spawned, not forked: a fork would copy a running loop and its open connections.
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _open, (dsn,)) as pool:
        try:
            yield Workers(pool, count)
        finally:
            pool.shutdown(cancel_futures=True)


class _Here:
    """What one such process keeps: its loop, and its connection."""

    runner: asyncio.Runner
    conn: Connection


def _open(dsn: str) -> None:
    _Here.runner = asyncio.Runner()
    _Here.conn = _Here.runner.run(asyncpg.connect(dsn, server_settings=IN_ORDER))


def _check(snapshot: str, part: Part) -> Held | None:
    return _Here.runner.run(_checked(snapshot, part))


async def _checked(snapshot: str, part: Part) -> Held | None:
    async with _Here.conn.transaction(isolation="repeatable_read", readonly=True):
        await _Here.conn.execute(snapshot)
        await _Here.conn.execute(rows.NO_SORT)
        return await check_part(_Here.conn, part)
