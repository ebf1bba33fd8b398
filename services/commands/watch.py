"""`tidings watch`: one job to its end, through restarts of the service."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import msgspec
from rich.live import Live

from schemas.states import State
from schemas.views import JobView
from services.commands.client import api
from services.commands.jobs import Page, ok
from services.commands.words import console, lines, screen

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
WAIT_S = 20
RECONNECT_S = 1.0
RESTING = frozenset({State.NEEDS_FIX, State.FINISHED, State.CANCELED})  # nothing moves until somebody acts


async def watch(data: Path | None, job: str, *, as_json: bool) -> int:
    async with api(data) as client:
        found = await _find(client, job)
        if found is None:
            console().print(f"There is no job {job}. `tidings jobs` lists them.")
            return 1
        last: JobView | None = None
        out = console()
        with Live(console=out, auto_refresh=False) if out.is_terminal and not as_json else nullcontext() as live:
            async for view in _follow(client, found):
                if as_json:
                    out.print(msgspec.json.encode(view).decode(), markup=False)
                elif live:
                    live.update(screen(view), refresh=True)
                elif last is None or lines(view) != lines(last):
                    out.print(screen(view))
                last = view
    return 0 if last and last.state == State.FINISHED else 1


async def _find(client: httpx.AsyncClient, job: str) -> str | None:
    """A reference is what people have; the service knows jobs by id."""
    if _ID.fullmatch(job):
        answer = await client.get(f"/v1/jobs/{job.lower()}")
        return job.lower() if answer.is_success else None
    answer = await client.get("/v1/jobs", params={"q": job, "limit": "10"})
    if not ok(answer, as_json=False):
        return None
    page = msgspec.json.decode(answer.content, type=Page)
    return next((view.id for view in page.jobs if view.ref == job.upper()), None)


async def _follow(client: httpx.AsyncClient, job: str) -> AsyncIterator[JobView]:
    """Each newer view until the job rests; a lost connection is taken up again."""
    version = 0
    while True:
        try:
            answer = await client.get(f"/v1/jobs/{job}", params={"after": str(version), "wait": str(WAIT_S)})
        except httpx.TransportError:
            await asyncio.sleep(RECONNECT_S)
            continue
        if answer.is_server_error:
            await asyncio.sleep(RECONNECT_S)
            continue
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            continue
        if not ok(answer, as_json=False):
            return
        view = msgspec.json.decode(answer.content, type=JobView)
        version = view.version
        yield view
        if view.state in RESTING:
            return
