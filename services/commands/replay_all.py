"""`tidings audit replay --all`: the whole log through the code of today, and every job that is shown otherwise.

The second build lies in the database, both stand at the same positions, and jobs are read one by one: memory stays
bounded however long the log is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from eventstore.postgres import Connection, Pool
from projections.build import Seen
from projections.status.view import render
from projections.verify import second_build
from schemas.envelope import Recorded
from schemas.events import AuditRead
from schemas.job import Job
from schemas.messages import Args, say
from schemas.views import JobView
from services.commands.bars import bar
from services.commands.database import opened, servers
from services.commands.own_jobs import recorded_read, tenant_of

REPORT = "report.json"
PAGE = 100

_JOBS = "select count(*) from pg_temp.jobs"
_DIFFERENT = """select coalesce(live.id, rebuilt.id)::text as id, live.doc as live, rebuilt.doc as rebuilt
    from public.jobs live full join pg_temp.jobs rebuilt using (partition, id)
    where live.doc is distinct from rebuilt.doc order by partition, id"""

_job = msgspec.json.Decoder(Job)


class Impossible(Struct, frozen=True):
    """An event that the code of today can't take in; its job stays as it was before."""

    partition: int
    position: int
    job: str
    detail: str


class Differing(Struct, frozen=True):
    """One job. A view is null where there is no such job. `fields`: of the view; none where only what lies behind it
    differs.
    """

    job: str
    fields: list[str]
    live: JobView | None
    rebuilt: JobView | None
    impossible: list[Impossible]


class Report(Struct, frozen=True):
    """`positions`: by partition, where both stood."""

    ok: bool
    events: int
    jobs: int
    differing: int
    positions: dict[int, int]


async def replay_all(data: Path | None, tenant: str | None, into: Path, language: str, *, as_json: bool) -> int:
    """Exit 1: a job differs; each has a file `<id>.json` in `into`, beside `report.json`."""
    async with servers(data) as found, opened(found.database_url) as pool:
        await recorded_read(pool, found.database_url, tenant_of(tenant), AuditRead(what="replay"))
        events = await pool.fetchval("select coalesce(sum(position), 0)::bigint from heads")
        with bar("Replaying", events, shown=sys.stderr.isatty()) as seen:
            report = await replayed(pool, into, language, seen)
    if as_json:
        print(msgspec.json.encode(report).decode())
    elif report.ok:
        print(say(language, "told-all-same", {"jobs": report.jobs, "events": report.events}))
    else:
        said: Args = {"count": report.differing, "jobs": report.jobs, "folder": str(into)}
        print(say(language, "told-all-differ", said))
    return 0 if report.ok else 1


async def replayed(pool: Pool, into: Path, language: str, seen: Seen | None = None) -> Report:
    """Writes the files. `seen` is told how many events came."""
    await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
    impossible: dict[str, list[Impossible]] = {}

    def refuse(recorded: Recorded, error: ValueError) -> None:
        place = Impossible(recorded.partition, recorded.position, recorded.stream, str(error))
        impossible.setdefault(recorded.stream, []).append(place)

    async with pool.acquire() as conn, second_build(conn) as second:
        second.refuse = refuse
        second.seen = seen
        count = 0
        async with second.at_equal_positions():
            async for each in _different(conn, language, impossible):
                count += 1
                (into / f"{each.job}.json").write_bytes(_pretty(each))
            jobs = await conn.fetchval(_JOBS)
        events = sum(second.positions.values())
        report = Report(not count, events, jobs, count, dict(second.positions))
    (into / REPORT).write_bytes(_pretty(report))
    return report


async def _different(
    conn: Connection, language: str, impossible: dict[str, list[Impossible]]
) -> AsyncIterator[Differing]:
    cursor = await conn.cursor(_DIFFERENT)
    now = datetime.now(UTC)
    while page := await cursor.fetch(PAGE):
        for row in page:
            live, rebuilt = (_shown(row[name], language, now) for name in ("live", "rebuilt"))
            yield Differing(row["id"], _fields(live, rebuilt), live, rebuilt, impossible.get(row["id"], []))


def _shown(doc: bytes | None, language: str, now: datetime) -> JobView | None:
    """None for what is no job's document any more."""
    try:
        return render(_job.decode(doc), language, as_of=now) if doc else None
    except msgspec.DecodeError:
        return None


def _fields(live: JobView | None, rebuilt: JobView | None) -> list[str]:
    if live is None or rebuilt is None:
        return ["*"]
    return [name for name in JobView.__struct_fields__ if getattr(live, name) != getattr(rebuilt, name)]


def _pretty(found: Differing | Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"
