"""Uploads and results as files, behind obstore: a local folder, or `s3://`, `gs://`, `az://` by setting.

A file is whole or not there: what breaks off on the way leaves nothing behind.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from msgspec import Struct
from obstore.store import LocalStore, ObjectStore, from_url

CHUNK_BYTES = 4 * 1024 * 1024
PARTS_AT_ONCE = 2  # with the chunk, all the memory that one upload takes


class Stored(Struct, frozen=True):
    """What a file turned out to be."""

    size: int
    sha256: str


class OpenFile(Struct, frozen=True):
    """A file being read; `size` is of the whole."""

    size: int
    chunks: AsyncIterator[bytes]


class Files:
    """All tenants' files, each below its tenant's own prefix."""

    def __init__(self, url: str) -> None:
        self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None
        if self._folder:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._store: ObjectStore = LocalStore(self._folder) if self._folder else from_url(url)

    async def put(self, tenant: str, name: str, chunks: AsyncIterator[bytes]) -> Stored:
        """Store a stream while it is hashed. Whatever breaks the stream is raised, and nothing is kept."""
        digest, size = hashlib.sha256(), 0

        async def hashed() -> AsyncIterator[bytes]:
            nonlocal size
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        path = f"{tenant}/{name}"
        try:
            await obstore.put_async(self._store, path, hashed(), chunk_size=CHUNK_BYTES, max_concurrency=PARTS_AT_ONCE)
            if self._folder:
                await asyncio.to_thread(_settle, self._folder / path)
        except BaseException:
            await self.remove(tenant, name)
            raise
        return Stored(size, digest.hexdigest())

    async def open(self, tenant: str, name: str, start: int = 0, end: int | None = None) -> OpenFile | None:
        """A file, or bytes `start` to `end` (exclusive) of it; None where it is gone."""
        try:
            if end is None:
                found = await obstore.get_async(self._store, f"{tenant}/{name}")
            else:
                found = await obstore.get_async(self._store, f"{tenant}/{name}", options={"range": (start, end)})
        except FileNotFoundError:
            return None
        return OpenFile(found.meta["size"], aiter(found.stream(CHUNK_BYTES)))

    async def check(self, tenant: str, name: str) -> Stored | None:
        """Read the whole file again and say what it is; None where it is gone."""
        found = await self.open(tenant, name)
        if found is None:
            return None
        digest, size = hashlib.sha256(), 0
        async for chunk in found.chunks:
            size += len(chunk)
            await asyncio.to_thread(digest.update, chunk)
        return Stored(size, digest.hexdigest())

    async def remove(self, tenant: str, name: str) -> None:
        """What is not there is removed already."""
        try:
            await obstore.delete_async(self._store, f"{tenant}/{name}")
        except FileNotFoundError:
            return


def _settle(path: Path) -> None:
    """To the disk, name and all: an answered upload outlives a power cut, as the log does."""
    for place, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))):
        handle = os.open(place, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
