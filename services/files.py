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

from eventstore.private import stream
from eventstore.private.cipher import Unreadable
from eventstore.private.files import bound
from eventstore.private.stream import Lock

CHUNK_BYTES = 4 * 1024 * 1024
SEALED = ".sealed"  # the ending of an encrypted file, so that it never takes the place of a plain one
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

    async def put(
        self, tenant: str, name: str, chunks: AsyncIterator[bytes], key: bytes, *, again: bool = False
    ) -> Stored:
        """Store a stream, hashed and encrypted on its way. Whatever breaks it is raised, and nothing is kept; but
        `again` leaves what may be there from before, since it is the same. Size and digest are of the plain bytes."""
        digest, size = hashlib.sha256(), 0

        async def hashed() -> AsyncIterator[bytes]:
            nonlocal size
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        path = _path(tenant, name, sealed=True)
        stored = stream.sealed(hashed(), key, bound(tenant, name))
        try:
            await obstore.put_async(self._store, path, stored, chunk_size=CHUNK_BYTES, max_concurrency=PARTS_AT_ONCE)
            if self._folder:
                await asyncio.to_thread(_settle, self._folder / path)
        except BaseException:
            if not again:
                await self._delete(path)
            raise
        return Stored(size, digest.hexdigest())

    async def open(
        self, tenant: str, name: str, start: int = 0, end: int | None = None, lock: Lock | None = None
    ) -> OpenFile | None:
        """A file, or bytes `start` to `end` (exclusive) of it; None where it is gone. `lock` reads an encrypted one."""
        part = None if end is None else (start, end)
        if lock is not None:
            part = lock.sealed_range(start, lock.size if end is None else end)
        try:
            path = _path(tenant, name, sealed=lock is not None)
            if part is None:
                found = await obstore.get_async(self._store, path)
            else:
                found = await obstore.get_async(self._store, path, options={"range": part})
        except FileNotFoundError:
            return None
        chunks = aiter(found.stream(CHUNK_BYTES))
        if lock is None:
            return OpenFile(found.meta["size"], chunks)
        return OpenFile(lock.size, stream.opened(chunks, lock, start, lock.size if end is None else end))

    async def check(self, tenant: str, name: str, lock: Lock | None = None) -> Stored | None:
        """Read the whole file again and say what it is; None where it is gone, or not what was encrypted."""
        found = await self.open(tenant, name, lock=lock)
        if found is None:
            return None
        digest, size = hashlib.sha256(), 0
        try:
            async for chunk in found.chunks:
                size += len(chunk)
                await asyncio.to_thread(digest.update, chunk)
        except Unreadable:
            return None
        return Stored(size, digest.hexdigest())

    async def remove(self, tenant: str, name: str) -> None:
        """What is not there is removed already."""
        for sealed in (False, True):
            await self._delete(_path(tenant, name, sealed=sealed))

    async def remove_clear(self, tenant: str, name: str) -> None:
        """The plain file, once its encrypted one is in its place."""
        await self._delete(_path(tenant, name, sealed=False))

    async def _delete(self, path: str) -> None:
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return


def _path(tenant: str, name: str, *, sealed: bool) -> str:
    return f"{tenant}/{name}{SEALED if sealed else ''}"


def _settle(path: Path) -> None:
    """To the disk, name and all: an answered upload outlives a power cut, as the log does."""
    for place, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))):
        handle = os.open(place, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
