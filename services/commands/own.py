"""An API of the command's own, where none is known: over the database that was given, or over a stopped stack's."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.commands.database import opened, servers
from services.commands.target import master_key
from services.commands.up import first_of
from services.keys import create_key, revoke_key
from services.server import API, serve
from services.settings import Settings

KEY_LIVES = timedelta(hours=12)  # should the command be killed before it withdraws its key
TENANT = "default"
READS = ("read",)


@asynccontextmanager
async def own_service(data: Path | None) -> AsyncIterator[tuple[str, str]]:
    """Its address and a key of tenant `TIDINGS_TENANT` (default "default"), both gone when the block is left."""
    async with servers(data) as found, opened(found.database_url) as pool:
        tenant = os.environ.get("TIDINGS_TENANT") or TENANT
        given = {"TIDINGS_DATABASE_URL": found.database_url, "TIDINGS_PRIVATE_KEY": master_key(data) or ""}
        settings = Settings.from_env({**os.environ, **given})
        async with pool.acquire() as conn:
            made = await create_key(conn, tenant, READS, datetime.now(UTC) + KEY_LIVES)
        try:
            async with _serving(settings) as url:
                yield url, made.key
        finally:
            async with pool.acquire() as conn:
                await revoke_key(conn, tenant, made.id)


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[str]:
    ready, stop = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        task = asyncio.create_task(serve(settings, frozenset({API}), ready, stop, sock=sock))
        try:
            await first_of(ready, task)
            if task.done():
                task.result()
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            stop.set()
            await task
