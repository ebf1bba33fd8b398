"""`tidings audit archive`: closed ranges of the log leave the table, each as one compressed file."""

import os
from pathlib import Path

import msgspec

from eventstore.archive import place
from eventstore.archive.write import EVENTS_MAX, Archived
from services.archiving import archive_all
from services.commands.database import opened, servers
from services.commands.erase import files_url
from services.commands.keys import period


async def archive(data: Path | None, older_than: str | None, *, compact: bool, as_json: bool) -> int:
    """`older_than`: of job types that don't say how long to keep; without it these stay."""
    keep = period(older_than).total_seconds() if older_than else None
    async with servers(data) as found, opened(found.database_url) as pool:
        url = os.environ.get("TIDINGS_ARCHIVE_URL") or f"{files_url(data).rstrip('/')}/.archive"
        async with pool.acquire() as conn:
            await place.say(conn, url)
            count: int = await conn.fetchval("select count(*) from heads")
        done = await archive_all(pool, range(count), keep, EVENTS_MAX, compact=compact)
    if as_json:
        print(msgspec.json.encode({"archived": done}).decode())
    else:
        print("\n".join(map(_words, done)) or _nothing(keep))
    return 0


def _nothing(keep: float | None) -> str:
    said = "Nothing is old enough to be archived."
    return said if keep else f"{said} Jobs of types that don't say `keep` stay: --older-than 90d takes them as well."


def _words(made: Archived) -> str:
    events = made.last - made.first + 1
    return f"{made.name}: {events:,} events in {made.size:,} bytes; {made.removed:,} rows left the table."
