"""The queries behind every read: one for a page, none for an item of it. Answers are folded jobs and plain rows.

A screen's words are made from them by `view.py`; nothing here knows a language.
"""

from collections.abc import Sequence
from datetime import datetime
from importlib.resources import files
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from eventstore.archive import read as archived
from eventstore.postgres import Connection
from projections.items import ItemState, item_run, item_state
from projections.status.fold import fold
from schemas.envelope import decode, seal
from schemas.events import Json
from schemas.ids import is_uuid
from schemas.job import Job
from schemas.jobtypes import JobType
from schemas.states import ENDED, State, visible

PAGE_BYTES = 8 * 1024 * 1024  # of one page of history
PAGE_EVENTS = 1000  # folded before the loop is let go
OPEN_MAX = 1000  # open jobs that an owner's stream begins with
LAST = 2**63 - 1
WALK_MAX = 20_000  # jobs that one page of a search looks at

# By the primary key: of a young table nothing is known, and the planner would as soon walk over a tenant's jobs.
JOB_SQL = """with named as materialized (select tenant, doc from jobs where partition = $1 and id = $2)
    select doc from named where tenant = $3"""
_FAILED_IDS = """select id, run, attempt, failed from items
    where partition = $1 and job = $2 and run >= $3 and failed order by coalesce(row, 9223372036854775807), id"""
_UNTIL = """select version, line, hash from events
    where partition = $1 and tenant = $2 and stream = $3 and recorded_at <= $4 and version > $5
    order by version limit $6"""
_VERSION = "select coalesce((select version from jobs where partition = $1 and id = $2::uuid), 0)"
_TYPE = "select definition from types where partition = $1 and tenant = $2 and name = $3"
_TYPES = "select name, definition from types where partition = $1 and tenant = $2 and name > $3 order by name limit $4"

_FILES = files("projections.status")
_NAMED_JOBS = _FILES.joinpath("read_named_jobs.sql").read_text()
_WALKS = {  # by index: a page, and where its walk was over
    "tenant": (
        _FILES.joinpath("read_jobs.sql").read_text(),
        """select created_position from jobs where partition = $1 and tenant = $2 and created_position < $3
    order by created_position desc offset $4 limit 1""",
    ),
    "owner": (
        _FILES.joinpath("read_owner_jobs.sql").read_text(),
        """select created_position from jobs where partition = $1 and tenant = $2 and owner = $5
    and created_position < $3 order by created_position desc offset $4 limit 1""",
    ),
    "state": (
        _FILES.joinpath("read_state_jobs.sql").read_text(),
        """select created_position from jobs where partition = $1 and tenant = $2 and state = $5
    and created_position < $3 order by created_position desc offset $4 limit 1""",
    ),
}
LOOKUP_SQL = _FILES.joinpath("lookup.sql").read_text()
_SCREEN = _FILES.joinpath("read_screen.sql").read_text()
_ITEMS = _FILES.joinpath("read_items.sql").read_text()
_EVENTS = _FILES.joinpath("read_events.sql").read_text()

_job = msgspec.json.Decoder(Job)
_definition = msgspec.json.Decoder(JobType)
_value = msgspec.json.Decoder()


class Filters(Struct, frozen=True, kw_only=True):
    """Which jobs of a tenant are listed. `text` finds title, ref and id."""

    owner: str | None = None
    type: str | None = None
    state: State | None = None
    text: str | None = None


class ItemRow(Struct, frozen=True, kw_only=True):
    """One item of the ledger, as the API answers it."""

    id: str
    row: int | None
    column: str | None
    reason: str | None
    value: Json
    state: str
    run: int


class SealedPage(Struct, frozen=True):
    """Sealed lines of a job, and the version after which the next ones stand (None: these were the last)."""

    lines: list[bytes]
    next: int | None


async def database_now(conn: Connection) -> datetime:
    """The one clock."""
    now: datetime = await conn.fetchval("select clock_timestamp()")
    return now


async def read_job(conn: Connection, partition: int, tenant: str, job: str) -> Job | None:
    doc: bytes | None = await conn.fetchval(JOB_SQL, partition, UUID(job), tenant)
    return None if doc is None else _job.decode(doc)


async def read_changed(conn: Connection, partition: int, jobs: Sequence[str]) -> list[Job]:
    """These jobs as they stand now, whatever their tenant: for streams that have been allowed already."""
    rows = await conn.fetch(LOOKUP_SQL, [partition] * len(jobs), jobs)
    return [_job.decode(row["doc"]) for row in rows]


async def list_jobs(
    conn: Connection, partition: int, tenant: str, filters: Filters, before: int, limit: int
) -> tuple[list[Job], int | None]:
    """Jobs created before a position, newest first; and that of the next page, None where this was the last one.

    A page walks over so many jobs at most, so a rare text in a long history may give a short page that is not the last.
    """
    if filters.text and (named := await _named_jobs(conn, partition, tenant, filters, before, limit)):
        return named, None
    state = filters.state.value if filters.state else None
    place, value = _place(filters)
    sql, walked = _WALKS[place]
    more = () if value is None else (value,)
    page = (partition, tenant, filters.type, state, _pattern(filters.text), before, limit + 1, WALK_MAX, *more)
    rows = await conn.fetch(sql, *page)
    jobs = [_job.decode(row["doc"]) for row in rows[:limit]]
    if len(rows) > limit:
        return jobs, rows[limit - 1]["created_position"]
    return jobs, await conn.fetchval(walked, partition, tenant, before, WALK_MAX - 1, *more)


def _place(filters: Filters) -> tuple[str, str | None]:
    """The index that leaves least to walk over."""
    if filters.owner is not None:
        return "owner", filters.owner
    return ("state", filters.state.value) if filters.state else ("tenant", None)


def _pattern(text: str | None) -> str | None:
    return text and "%" + "".join(f"\\{c}" if c in "\\%_" else c for c in text) + "%"


async def _named_jobs(
    conn: Connection, partition: int, tenant: str, filters: Filters, before: int, limit: int
) -> list[Job]:
    text = (filters.text or "").strip()
    uuid = UUID(text) if is_uuid(text.lower()) else None
    state = filters.state.value if filters.state else None
    wanted = (filters.type, state, filters.owner, text.upper(), uuid, before, limit)
    rows = await conn.fetch(_NAMED_JOBS, partition, tenant, *wanted)
    return [_job.decode(row["doc"]) for row in rows]


async def read_screen(conn: Connection, partition: int, tenant: str, owner: str, ended_max: int) -> list[Job]:
    """Each open job of an owner and the newest ended ones, oldest first."""
    ended = sorted({visible(phase).value for phase in ENDED})
    rows = await conn.fetch(_SCREEN, partition, tenant, owner, ended, ended_max, OPEN_MAX)
    return [_job.decode(row["doc"]) for row in rows]


async def read_job_at(conn: Connection, partition: int, tenant: str, job: str, at: datetime) -> Job | None:
    """The job as it stood at a moment; None before its first event."""
    found: Job | None = None
    while True:
        after = found.version if found else 0
        there = await conn.fetch(_UNTIL, partition, tenant, job, at, after, PAGE_EVENTS)
        rows = await archived.merged(conn, partition, tenant, job, after, PAGE_EVENTS, there)
        if not rows:
            return found
        for row in rows:
            recorded = decode(row["line"])
            if recorded.recorded_at > at:
                return found
            found = fold(found, recorded)


async def read_sealed(conn: Connection, partition: int, tenant: str, job: str, after: int, limit: int) -> SealedPage:
    """A page of a job's history; `next` is None at its end."""
    there = await conn.fetch(_EVENTS, partition, tenant, job, after, limit + 1, PAGE_BYTES)
    rows = await archived.merged(conn, partition, tenant, job, after, limit + 1, there, PAGE_BYTES)
    shown = rows[:limit]
    lines = [seal(row["line"], row["hash"]) for row in shown]
    more = shown and (len(rows) > limit or shown[-1]["version"] < await conn.fetchval(_VERSION, partition, job))
    return SealedPage(lines, shown[-1]["version"] if more else None)


async def read_items(
    conn: Connection, partition: int, job: Job, state: ItemState | None, after: tuple[int, str], limit: int
) -> tuple[list[ItemRow], tuple[int, str] | None]:
    """A page of the ledger and where the next one begins. What an item's row means today is judged by the job."""
    found: list[ItemRow] = []
    failed = None if state in {None, ItemState.READY} else True
    place: tuple[int, str] | None = after
    while place is not None and len(found) < limit:
        rows = await conn.fetch(_ITEMS, partition, UUID(job.id), job.listed_from, failed, *place, limit)
        place = None
        for row in rows:
            now = item_state(row["run"], row["attempt"], row["failed"], job)
            place = (LAST if row["row"] is None else row["row"], row["id"])
            if state in {None, now}:
                found.append(_item(row, now, job))
            if len(found) == limit:
                break
        place = place if len(rows) == limit or len(found) == limit else None
    return found, place


def _item(row: asyncpg.Record, state: ItemState, job: Job) -> ItemRow:
    return ItemRow(
        id=row["id"],
        row=row["row"],
        column=row["column"],
        reason=row["reason"],
        value=None if row["value"] is None else _value.decode(row["value"]),
        state=state.value,
        run=item_run(row["run"], state, job),
    )


async def failed_ids(conn: Connection, partition: int, job: Job) -> list[str]:
    """The items that are failed now, in the order of the person's own file."""
    rows = await conn.fetch(_FAILED_IDS, partition, UUID(job.id), job.listed_from)
    return [row["id"] for row in rows if item_state(row["run"], row["attempt"], row["failed"], job) is ItemState.FAILED]


async def read_type(conn: Connection, partition: int, tenant: str, name: str) -> JobType | None:
    raw: bytes | None = await conn.fetchval(_TYPE, partition, tenant, name)
    return None if raw is None else _definition.decode(raw)


async def read_types(
    conn: Connection, partition: int, tenant: str, after: str, limit: int
) -> list[tuple[str, JobType]]:
    rows = await conn.fetch(_TYPES, partition, tenant, after, limit)
    return [(row["name"], _definition.decode(row["definition"])) for row in rows]
