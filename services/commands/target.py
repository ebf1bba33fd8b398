"""Which stack a command speaks to: `--data`, else URLs in the environment, else `TIDINGS_DATA`, else `.tidings`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.embedded.folder import DataFolder, Ready

DEFAULT_DATA = ".tidings"
_TIMEOUT = httpx.Timeout(10, read=60)  # a long poll takes up to 30 s


def data_folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("TIDINGS_DATA") or DEFAULT_DATA)


def running(data: Path | None) -> Ready | None:
    """The embedded stack that is ready on the folder."""
    return DataFolder(data_folder(data)).read_ready()


@asynccontextmanager
async def api(data: Path | None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service: the one that runs, else one of our own over given or stopped servers for the while."""
    url, key = os.environ.get("TIDINGS_URL"), os.environ.get("TIDINGS_API_KEY")
    given = bool(os.environ.get("TIDINGS_DATABASE_URL"))
    if data is None and url and key:
        async with _client(url, key) as client:
            yield client
    elif (data is not None or not given) and (ready := running(data)):
        async with _client(ready.url, ready.api_key) as client:
            yield client
    else:
        from services.commands.own import own_service  # noqa: PLC0415 - the whole service, so only where it is needed

        async with own_service(data) as (url, key), _client(url, key) as client:
            yield client


def _client(url: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=_TIMEOUT)
