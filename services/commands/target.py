"""Which stack a command speaks to: `--data`, else URLs in the environment, else `TIDINGS_DATA`, else `.tidings`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from eventstore.postgres import Pool, open_pool
from services.embedded.folder import CannotStart, DataFolder, Ready
from services.embedded.stack import EmbeddedStack

DEFAULT_DATA = ".tidings"
_TIMEOUT = httpx.Timeout(10, read=60)  # a long poll takes up to 30 s


def data_folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("TIDINGS_DATA") or DEFAULT_DATA)


def running(data: Path | None) -> Ready | None:
    """The embedded stack that is ready on the folder."""
    return DataFolder(data_folder(data)).read_ready()


@asynccontextmanager
async def database(data: Path | None) -> AsyncIterator[Pool]:
    """The database of a running stack, of given servers, or of a stopped stack, which is started for the while."""
    url = os.environ.get("TIDINGS_DATABASE_URL")
    ready = running(data)
    if data is None and url:
        stopped = None
    elif ready:
        stopped, url = None, ready.database_url
    else:
        stopped = DataFolder(data_folder(data))
        if not stopped.is_made():
            raise CannotStart(
                f"There is no stack in {stopped.root}.",
                "Start one with `tidings up`, or name it with --data or TIDINGS_DATABASE_URL.",
            )
    if stopped:
        async with EmbeddedStack(stopped.root) as stack, _pool(stack.database_url) as pool:
            yield pool
    elif url:
        async with _pool(url) as pool:
            yield pool


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, 4, name="tidings-command")
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def api(data: Path | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running service, with its key."""
    url, key = os.environ.get("TIDINGS_URL"), os.environ.get("TIDINGS_API_KEY")
    if data is not None or not (url and key):
        ready = running(data)
        if ready is None:
            raise CannotStart(
                f"No stack is running on {data_folder(data)}.",
                "Start one with `tidings up`, or name one with --data, or with TIDINGS_URL and TIDINGS_API_KEY.",
            )
        url, key = ready.url, ready.api_key
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
        yield client
