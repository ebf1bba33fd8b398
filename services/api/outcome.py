"""What came of a job: its result, the ledger of its items, the ones that failed, and the sealed history."""

import csv
import io
import re
from collections.abc import AsyncIterator, Sequence

import msgspec
from asyncpg import Record
from msgspec import Raw, Struct
from starlette.responses import RedirectResponse, Response, StreamingResponse

from eventstore.postgres import Connection
from projections.items import ItemState
from projections.status.actions import has_result
from projections.status.read import ItemRow, read_items, read_job, read_sealed
from schemas.events import Json, StoredResult
from schemas.job import Job
from schemas.messages import say
from schemas.private import REMOVED
from schemas.problems import Problem
from services.api.answers import FRESH
from services.api.calls import JSON, Asked, Call, Query, answer
from services.api.cursors import cursor, place_in
from services.api.downloads import MEDIA_TYPE, attachment, download
from services.api.reading import CURSOR_QUERY, VERSION_MAX
from services.front.problems import not_found, refused
from services.front.uploads import find_upload

PAGE, PAGE_MAX = 200, 1000
CSV = "text/csv"
COLUMNS = ("row", "column", "reason", "value", "id")

LIMIT_QUERY = Query("limit", "Rows on a page", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE})
_NUMBER = re.compile(r"^[+-]?[0-9]{1,30}([.,][0-9]{1,30})?$")  # a plain number runs nothing

PAGING = (LIMIT_QUERY, CURSOR_QUERY)


class ItemPage(Struct, frozen=True):
    """In the order of the person's own file. `next`: the cursor of the page that follows."""

    items: list[ItemRow]
    next: str | None


class EventPage(Struct, frozen=True):
    """Sealed lines, byte for byte as they stand in the log, oldest first."""

    events: list[Raw]
    next: str | None


async def get_result(asked: Asked) -> Response:
    """The result itself: the stored file, a link elsewhere, or the JSON that the worker gave."""
    job = await _job(asked)
    if not has_result(job) or job.result is None:
        raise not_found(job.ref) if job.veil != REMOVED else refused(Problem.REMOVED, name=job.ref)
    if job.result.href is not None:
        return RedirectResponse(job.result.href, 302, {"Cache-Control": "no-store"})
    if job.result.upload is None:
        return answer(job.result.inline, headers={"X-Content-Type-Options": "nosniff", **FRESH})
    return await _stored_file(asked, job, job.result, job.result.upload)


async def _stored_file(asked: Asked, job: Job, result: StoredResult, upload: str) -> Response:
    async with asked.parts.pool.acquire() as conn:
        row: Record | None = await find_upload(conn, asked.partition, asked.tenant, upload)
    if row is None:
        raise not_found(job.ref)
    return await download(asked, upload, row, result.name, job.ref)


async def get_items(asked: Asked) -> Response:
    job = await _job(asked)
    state = asked.one_of("state", [state.value for state in ItemState])
    return answer(await _page(asked, job, ItemState(state) if state else None), headers=FRESH)


async def get_problems(asked: Asked) -> Response:
    """The items that failed: a page of JSON, or all of them as a file to mend."""
    job = await _job(asked)
    if _wants_csv(asked):
        headers = {"Content-Disposition": attachment(f"{job.ref}-problems.csv"), "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(_csv(asked, job), 200, {**headers, **FRESH}, f"{CSV}; charset=utf-8; header=present")
    return answer(await _page(asked, job, ItemState.FAILED), headers=FRESH)


async def _page(asked: Asked, job: Job, state: ItemState | None) -> ItemPage:
    limit = asked.whole("limit", PAGE, 1, PAGE_MAX)
    after = place_in(asked, "items", -1)
    async with asked.parts.pool.acquire() as conn:
        items, end = await read_items(conn, asked.partition, job, state, (after.number, after.id), limit)
        items = await _shown(asked, conn, job, items)
    return ItemPage(items, cursor("items", *end) if end else None)


async def _shown(asked: Asked, conn: Connection, job: Job, items: list[ItemRow]) -> list[ItemRow]:
    """What is private readable, or a word in its place."""
    instead = say(asked.language, "private-removed", {})
    return await asked.parts.vault.revealed_items(conn, asked.partition, job, items, instead)


def _wants_csv(asked: Asked) -> bool:
    """By Accept; a browser that follows the signed link asks for a page, and gets the file."""
    accept = asked.request.headers.get("accept", "")
    return CSV in accept or (asked.linked and JSON not in accept)


async def _csv(asked: Asked, job: Job) -> AsyncIterator[str]:
    yield _lines([COLUMNS])
    place: tuple[int, str] | None = (-1, "")
    while place is not None:
        async with asked.parts.pool.acquire() as conn:
            items, place = await read_items(conn, asked.partition, job, ItemState.FAILED, place, PAGE_MAX)
            items = await _shown(asked, conn, job, items)
        yield _lines([(item.row, item.column, item.reason, item.value, item.id) for item in items])


def _lines(rows: Sequence[Sequence[Json]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Json) -> str:
    """A value as a cell that a spreadsheet shows and never runs: what looks like a formula gets an apostrophe."""
    text = value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()
    risky = text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{text}" if risky and not _NUMBER.match(text) else text


async def get_events(asked: Asked) -> Response:
    """The job's sealed history."""
    job = await _job(asked)
    limit = asked.whole("limit", PAGE_MAX, 1, PAGE_MAX)
    after = place_in(asked, "events", 0).number
    async with asked.parts.pool.acquire() as conn:
        page = await read_sealed(conn, asked.partition, asked.tenant, job.id, min(after, VERSION_MAX), limit)
    next_ = None if page.next is None else cursor("events", page.next)
    return answer(EventPage([Raw(line) for line in page.lines], next_), headers=FRESH)


async def _job(asked: Asked) -> Job:
    job = asked.id()
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job)
    if found is None or not asked.caller.may_use(found.owner):
        raise not_found(job)
    (shown,) = await asked.revealed([found])
    return shown


CALLS = (
    Call(
        method="GET",
        path="/v1/jobs/{id}/result",
        owned=True,
        handler=get_result,
        scopes=("read",),
        summary="The result: a file, a link elsewhere (302), or JSON",
        answers={200: MEDIA_TYPE, 206: MEDIA_TYPE, 302: None, 304: None, 416: None},
        linked=True,
    ),
    Call(
        method="GET",
        path="/v1/jobs/{id}/items",
        owned=True,
        handler=get_items,
        scopes=("read",),
        summary="The ledger: each item that was named, ready, failed or open",
        answers={200: ItemPage},
        query=(
            Query("state", "Items in this state", {"type": "string", "enum": [state.value for state in ItemState]}),
            *PAGING,
        ),
        refuses=(Problem.INVALID,),
    ),
    Call(
        method="GET",
        path="/v1/jobs/{id}/problems",
        owned=True,
        handler=get_problems,
        scopes=("read",),
        summary="The items that failed, as JSON or, by Accept or a signed link, as a CSV file to mend",
        answers={200: (ItemPage, CSV)},
        query=PAGING,
        refuses=(Problem.INVALID,),
        linked=True,
    ),
    Call(
        method="GET",
        path="/v1/jobs/{id}/events",
        owned=True,
        handler=get_events,
        scopes=("read",),
        summary="The sealed history, byte for byte",
        answers={200: EventPage},
        query=PAGING,
        refuses=(Problem.INVALID,),
    ),
)
