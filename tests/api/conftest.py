"""A whole service of one process on a real database and a free port, for the tests of a module."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from eventstore.postgres import Pool
from services.keys import DEFAULT_SCOPES, create_key
from services.server import ROLES, serve
from services.settings import Settings
from tests.api.client import Api


@pytest.fixture(scope="module")
def settings(database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Small bounds, so that they can be reached."""
    return Settings(
        database_url=database,
        files_url=tmp_path_factory.mktemp("files").as_uri(),
        upload_max_bytes=9 * 1024 * 1024,
        long_poll_max_s=20,
        sse_streams_max=20,
        sse_keepalive_s=1,
        net_s=30,  # so slow that only wake-ups explain what comes soon
    )


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncIterator[str]:
    """The running service's address."""
    ready, stop = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        serving = asyncio.create_task(serve(settings, ROLES, ready, stop, sock=sock))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        stop.set()
        await serving


@pytest.fixture
async def api(url: str, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    """A fresh tenant's client, with every scope but admin."""
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant, DEFAULT_SCOPES)).key
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        yield Api(http, tenant, pool)


@pytest.fixture
async def admin(url: str, pool: Pool, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    """Who may read the whole log of the tenant, and erase a person."""
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant, ("admin", "audit"))).key
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        yield http


@pytest.fixture
def folder(settings: Settings, tenant: str) -> Path:
    """Where this tenant's files are."""
    return Path(unquote(urlsplit(settings.files_url).path)) / tenant


@pytest.fixture
async def stranger(url: str, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    """Another tenant's client."""
    other = f"{tenant}-stranger"
    async with pool.acquire() as conn:
        key = (await create_key(conn, other)).key
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        yield Api(http, other, pool)
