"""The calls that read jobs: one, as it is or was, when it changes; and the history, page by page."""

import asyncio
from datetime import datetime

from msgspec import Struct
from starlette.responses import Response

from projections.status.read import LAST, Filters, database_now, list_jobs, read_job_at
from schemas.job import Job
from schemas.problems import Problem
from schemas.states import State
from schemas.views import JobView
from services.api.answers import FRESH, Answer, etag
from services.api.auth import header
from services.api.calls import Asked, Call, Query, answer
from services.api.cursors import cursor, place_in
from services.front.problems import not_found, refused

PAGE, PAGE_MAX = 50, 200
VERSION_MAX = 2**31 - 1


class JobPage(Struct, frozen=True):
    """Newest first. `next`: the cursor of the page that follows, null on the last one."""

    jobs: list[JobView]
    next: str | None


async def get_job(asked: Asked) -> Response:
    """A job as it is, as it was (`at`), or as soon as it is newer (`after`, `wait`)."""
    job = asked.id()
    read = await asked.parts.lookup.job(asked.partition, asked.tenant, job)
    if read is None or not asked.caller.may_use(read[0].owner):
        raise not_found(job)
    found, now = read
    if at := asked.moment("at"):
        return await _past(asked, job, at)
    if asked.parameter("after") is None:
        return _unless_known(asked, await asked.parts.answers.of(asked, found, now))
    after = asked.whole("after", 0, 0, VERSION_MAX)
    wait_s = min(asked.number("wait", 0, 0, 86_400), asked.parts.settings.long_poll_max_s)
    if found.version <= after and wait_s > 0:
        return await _when_newer(asked, job, after, wait_s)
    return _newer(asked, found, after, await asked.view(found, now))


async def _past(asked: Asked, job: str, at: datetime) -> Response:
    async with asked.parts.pool.acquire() as conn:
        then = await read_job_at(conn, asked.partition, asked.tenant, job, at)
    if then is None:
        raise not_found(job)
    return answer(await asked.past_view(then, at), headers=FRESH)


async def _when_newer(asked: Asked, job: str, after: int, wait_s: float) -> Response:
    """Woken by the tail. Whoever hangs up stops waiting."""
    deadline = asyncio.get_running_loop().time() + wait_s
    watcher = asked.parts.screens.watch_job(job)
    try:
        async with asked.gone() as gone:
            gone.add_done_callback(lambda _: watcher.end())
            read = await asked.parts.lookup.job(asked.partition, asked.tenant, job)  # what came before the watcher did
            if read is None:
                raise not_found(job)
            found, now = read
            while found.version <= after and not watcher.ended:
                left_s = deadline - asyncio.get_running_loop().time()
                screens = await watcher.take(left_s) if left_s > 0 else []
                if not screens:
                    break
                found, now = screens[-1].job, screens[-1].at
    finally:
        watcher.close()
    return _newer(asked, found, after, await asked.view(found, now))


def _newer(asked: Asked, job: Job, after: int, view: JobView) -> Response:
    tag = etag(view, asked.language)
    if job.version > after:
        return answer(view, headers={"ETag": tag, **FRESH})
    return Response(status_code=304, headers={"ETag": tag, **FRESH})


def _unless_known(asked: Asked, found: Answer) -> Response:
    if given := header(asked.request, "if-none-match"):
        known = [each.strip().removeprefix("W/") for each in given.split(",")]
        if found.etag in known or "*" in known:
            return Response(status_code=304, headers=found.headers)
    return found.whole


async def get_jobs(asked: Asked) -> Response:
    """A tenant's jobs, newest first. A search in a long history may give short pages, the last with no `next`."""
    limit = asked.whole("limit", PAGE, 1, PAGE_MAX)
    before = place_in(asked, "jobs", LAST).number
    state = asked.one_of("state", [state.value for state in State])
    owner = asked.parameter("owner") or asked.caller.owner
    if owner is not None and not asked.caller.may_use(owner):
        raise refused(Problem.FORBIDDEN)
    filters = Filters(
        owner=owner,
        type=asked.parameter("type"),
        state=State(state) if state else None,
        text=asked.parameter("q"),
    )
    async with asked.parts.pool.acquire() as conn:
        shown, end = await list_jobs(conn, asked.partition, asked.tenant, filters, before, limit)
        now = await database_now(conn)
    next_ = None if end is None else cursor("jobs", end)
    return answer(JobPage(await asked.views(shown, now), next_), headers=FRESH)


LIMIT_QUERY = Query("limit", "Rows on a page", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE})
CURSOR_QUERY = Query("cursor", "The `next` of the page before")

CALLS = (
    Call(
        method="GET",
        path="/v1/jobs/{id}",
        owned=True,
        handler=get_job,
        hot=True,
        scopes=("read",),
        summary="A job: now, at a past moment, or as soon as it is newer than a version",
        answers={200: JobView, 304: None},
        query=(
            Query("at", "Show it as it was at this time", {"type": "string", "format": "date-time"}),
            Query("after", "Answer only a version above this one", {"type": "integer", "minimum": 0}),
            Query("wait", "Seconds to wait for one", {"type": "number", "minimum": 0, "default": 0}),
        ),
        refuses=(Problem.INVALID,),
    ),
    Call(
        method="GET",
        path="/v1/jobs",
        owned=True,
        handler=get_jobs,
        scopes=("read",),
        summary="The history, newest first",
        answers={200: JobPage},
        query=(
            Query("owner", "Whose jobs"),
            Query("type", "Jobs of this type"),
            Query("state", "Jobs in this state", {"type": "string", "enum": [state.value for state in State]}),
            Query("q", "Text in the title, or a whole ref or id"),
            LIMIT_QUERY,
            CURSOR_QUERY,
        ),
        refuses=(Problem.INVALID,),
    ),
)
