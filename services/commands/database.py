"""The database a command works on: it needs the log itself, not the service."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from eventstore.postgres import Pool, open_pool
from services.commands.target import data_folder, running
from services.embedded.folder import CannotStart, DataFolder
from services.embedded.stack import EmbeddedStack


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
