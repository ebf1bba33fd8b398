"""Which stack a command speaks to: `--data`, else URLs in the environment, else `TIDINGS_DATA`, else `.tidings`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.embedded.folder import CannotStart, DataFolder, Ready

DEFAULT_DATA = ".tidings"
_TIMEOUT = httpx.Timeout(10, read=60)  # a long poll takes up to 30 s


def data_folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("TIDINGS_DATA") or DEFAULT_DATA)


def running(data: Path | None) -> Ready | None:
    """The embedded stack that is ready on the folder."""
    return DataFolder(data_folder(data)).read_ready()


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
