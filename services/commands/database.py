"""The servers a command works on: it needs the log itself, and NATS perhaps, but not the service."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from eventstore.postgres import Pool, open_pool
from services.commands.target import data_folder, running
from services.embedded.folder import CannotStart, DataFolder
from services.embedded.stack import EmbeddedStack


class Servers(NamedTuple):
    """Where they are, with credentials. Given servers may come without NATS."""

    database_url: str
    nats_url: str | None


@asynccontextmanager
async def servers(data: Path | None) -> AsyncIterator[Servers]:
    """Those of a running stack, given ones, or those of a stopped stack, which are started for the while."""
    url = os.environ.get("TIDINGS_DATABASE_URL")
    if data is None and url:
        yield Servers(url, os.environ.get("TIDINGS_NATS_URL") or None)
    elif ready := running(data):
        yield Servers(ready.database_url, ready.nats_url)
    else:
        stopped = DataFolder(data_folder(data))
        if not stopped.is_made():
            raise CannotStart(
                f"There is no stack in {stopped.root}.",
                "Start one with `tidings up`, or name it with --data or TIDINGS_DATABASE_URL.",
            )
        async with EmbeddedStack(stopped.root) as stack:
            yield Servers(stack.database_url, stack.nats_url)


@asynccontextmanager
async def database(data: Path | None) -> AsyncIterator[Pool]:
    """The database alone."""
    async with servers(data) as found, opened(found.database_url) as pool:
        yield pool


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Pool]:
    """A command's own small pool."""
    pool = await open_pool(url, 4, name="tidings-command")
    try:
        yield pool
    finally:
        await pool.close()
