"""What is left of files that nobody may read any more: their objects go, and with them files that no job ever named."""

import asyncio
from collections.abc import Collection

import structlog
from obstore.exceptions import BaseError

from eventstore.crash_points import crash_point
from eventstore.postgres import AWAY, Pool, pauses
from eventstore.private import removals
from eventstore.private.files import forget_unnamed
from services.files import Files

log = structlog.get_logger()

PAGE = 100
EVERY_S = 60.0


async def sweep(pool: Pool, files: Files) -> None:
    """Remove the objects that are on record for it. One that can't be removed now stays on record."""
    failed: list[removals.Removal] = []
    while found := await _next(pool, failed):
        for each in found:
            crash_point("sweep.before_removal")
            try:
                if each.clear_only:
                    await files.remove_clear(each.tenant, each.upload)
                else:
                    await files.remove(each.tenant, each.upload)
            except (OSError, BaseError) as error:
                log.warning("a file can't be removed yet", upload=each.upload, error=repr(error))
                failed.append(each)
                continue
            async with pool.acquire() as conn:
                await removals.done(conn, each)


async def _next(pool: Pool, failed: Collection[removals.Removal]) -> list[removals.Removal]:
    async with pool.acquire() as conn:
        return [each for each in await removals.waiting(conn, PAGE + len(failed)) if each not in failed]


class Sweeper:
    """A part of the orchestrator. Several may run: what one removes, the other finds removed."""

    def __init__(self, pool: Pool, files: Files, partitions: int, *, unnamed_s: float) -> None:
        self._pool = pool
        self._files = files
        self._partitions = partitions
        self._unnamed_s = unnamed_s

    async def run(self) -> None:
        """Until cancelled: at once, for what a crash left, then every minute."""
        waits = pauses()
        while True:
            try:
                await self.once()
                waits, pause = pauses(), EVERY_S
            except AWAY as error:
                pause = next(waits)
                log.warning("the sweep waits for the database", error=repr(error), again_s=pause)
            await asyncio.sleep(pause)

    async def once(self) -> None:
        for partition in range(self._partitions):
            count = PAGE
            while count == PAGE:
                async with self._pool.acquire() as conn:
                    count = await forget_unnamed(conn, partition, self._unnamed_s, PAGE)
        await sweep(self._pool, self._files)
