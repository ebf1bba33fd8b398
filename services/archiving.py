"""When lines may leave the table: a job type's `keep`, else the setting, counted from the end of a job."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from eventstore.archive import place, write
from eventstore.archive.write import Archived, Cutoffs
from eventstore.postgres import AWAY, Connection, Pool
from schemas.jobtypes import Definition
from schemas.states import ENDED, visible
from services.settings import Settings

log = structlog.get_logger()

ENDED_STATES = sorted({visible(phase).value for phase in ENDED})

_NOW = "select clock_timestamp()"
# By the primary key. The definition is written without its defaults, so only types that say `keep` have the word.
_KEEPS = """select tenant, name, definition from types
    where partition = $1 and position('"keep":'::bytea in definition) > 0"""
_GIVE_BACK = "vacuum events"
_GIVE_ALL_BACK = "vacuum full events"


def archive_url(settings: Settings) -> str:
    """Where archives are: beside the tenants' files, in a folder that no tenant can be called."""
    return settings.archive_url or f"{settings.files_url.rstrip('/')}/.archive"


async def cutoffs(conn: Connection, partition: int, keep_s: float | None) -> Cutoffs:
    """What is older may leave, by the database's clock. `keep_s`: of types that don't say; None: those stay."""
    now: datetime = await conn.fetchval(_NOW)
    named = []
    for row in await conn.fetch(_KEEPS, partition):
        keep = msgspec.json.decode(row["definition"], type=Definition).keep
        if keep is not None:
            named.append((row["tenant"], row["name"], now - timedelta(seconds=keep)))
    return Cutoffs(None if keep_s is None else now - timedelta(seconds=keep_s), named)


async def archive_all(
    pool: Pool, partitions: Sequence[int], keep_s: float | None, most: int, *, compact: bool = False
) -> list[Archived]:
    """Every closed range of each partition, and the room given back. Raises write.Damaged, place.NoPlace.

    What leaves makes room in the table for new lines; `compact` gives it back to the disk, and appends wait meanwhile.
    """
    done, released = list[Archived](), 0
    async with pool.acquire() as conn:
        for partition in partitions:
            limits = await cutoffs(conn, partition, keep_s)
            released += await write.release(conn, partition, limits, ENDED_STATES)
            while made := await write.archive(conn, partition, limits, ENDED_STATES, most):
                log.info("archived", partition=partition, file=made.name, bytes=made.size, removed=made.removed)
                done.append(made)
        if compact:
            await conn.execute(_GIVE_ALL_BACK)
        elif done or released:
            await conn.execute(_GIVE_BACK)
    return done


class Archiver:
    """The orchestrator's schedule."""

    def __init__(self, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled. What can't be archived now is tried again, and told."""
        settings = self._settings
        while True:
            try:
                await archive_all(
                    self._pool,
                    range(settings.partitions),
                    settings.archive_after_s or None,
                    settings.archive_events_max,
                )
            except (write.Damaged, place.NoPlace, OSError, *AWAY) as error:
                log.error("nothing is archived", error=repr(error), again_s=settings.archive_every_s)
            await asyncio.sleep(settings.archive_every_s)
