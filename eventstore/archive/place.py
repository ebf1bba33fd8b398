"""Where archives are: a folder or a bucket. The database says which, so that every reader of it finds them."""

import asyncio
import os
from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import GenericError
from obstore.store import LocalStore, ObjectStore, from_url

from eventstore.postgres import Connection

CHUNK_BYTES = 4 * 1024 * 1024

_SAY = """insert into archive_place (url) values ($1)
    on conflict (one) do update set url = excluded.url where archive_place.url <> excluded.url"""
_READ = "select url from archive_place"


class NoPlace(Exception):
    """Nobody has said where archives are."""


async def say(conn: Connection, url: str) -> None:
    """Archives are here from now on. Whoever moves the files moves all of them."""
    await conn.execute(_SAY, url)


async def store(conn: Connection) -> ObjectStore:
    """Raises NoPlace."""
    url: str | None = await conn.fetchval(_READ)
    if url is None:
        raise NoPlace("nobody has said where archives are: set TIDINGS_ARCHIVE_URL and start the service")
    return _opened(url)


@lru_cache(maxsize=16)
def _opened(url: str) -> ObjectStore:
    if not url.startswith("file:"):
        return from_url(url)
    folder = _folder(url)
    folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder)


def _folder(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


async def put(conn: Connection, name: str, chunks: AsyncIterator[bytes]) -> None:
    """The file is there whole, and on the disk, when this returns."""
    where = await store(conn)
    await obstore.put_async(where, name, chunks, chunk_size=CHUNK_BYTES, max_concurrency=2)
    url: str = await conn.fetchval(_READ)
    if url.startswith("file:"):
        await asyncio.to_thread(_settle, _folder(url) / name)


async def get(conn: Connection, name: str, start: int, end: int) -> bytes:
    """Bytes of a file. Raises FileNotFoundError; where it is shorter, fewer are answered."""
    where = await store(conn)
    try:
        found = await obstore.get_async(where, name, options={"range": (start, end)})
    except GenericError:
        if (await obstore.head_async(where, name))["size"] > start:
            raise
        return b""
    return bytes(await found.bytes_async())


def _settle(path: Path) -> None:
    for place, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))):
        handle = os.open(place, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
