"""A client of the service for the commands that ask it, wherever it is."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.commands.target import running

_TIMEOUT = httpx.Timeout(10, read=60)  # a long poll takes up to 30 s


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
