"""Checkpoints kept outside the database: in a folder, or in a bucket of S3, GCS or Azure.

One file for each partition and day, replaced by each newer checkpoint of that day: whoever can change the database
can't change what it was yesterday. `verify` goes by all of them.
"""

import asyncio
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

from eventstore.audit.checkpoints import Checkpoint
from eventstore.audit.signed import Outside

SUFFIX = ".note"
FILES_MAX = 100_000


class Shelf:
    """Where the notes are. `url`: file://, s3://, gs:// or az://."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._kept: dict[int, int] = {}  # partition → position of the newest note

    async def keep(self, checkpoint: Checkpoint) -> None:
        """Whole or not at all. What is there already is not written again."""
        if self._kept.get(checkpoint.partition, -1) >= checkpoint.position:
            return
        name = f"{checkpoint.partition}/{checkpoint.at:%Y-%m-%d}{SUFFIX}"
        await obstore.put_async(_store(self.url, make=True), name, checkpoint.note.encode())
        self._kept[checkpoint.partition] = checkpoint.position

    async def notes(self) -> list[Outside]:
        """All of them; none where there is no such folder."""
        if _missing(self.url):
            return []
        store = _store(self.url)
        names = [
            found["path"]
            for page in await asyncio.to_thread(lambda: list(obstore.list(store, chunk_size=1000)))
            for found in page
            if found["path"].endswith(SUFFIX)
        ]
        return [Outside(await _read(store, name), f"the note {name}") for name in sorted(names)[:FILES_MAX]]


async def _read(store: ObjectStore, name: str) -> str:
    content = await (await obstore.get_async(store, name)).bytes_async()
    return bytes(content).decode(errors="replace")


def notes_at(path: Path) -> list[Outside]:
    """Those that somebody has at hand: one file, or a folder of them."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob(f"*{SUFFIX}") if each.is_file())
    return [Outside(each.read_bytes().decode(errors="replace"), f"the note {each}") for each in files]


def _folder(url: str) -> Path | None:
    return Path(unquote(urlsplit(url).path)) if url.startswith("file:") else None


def _missing(url: str) -> bool:
    folder = _folder(url)
    return folder is not None and not folder.is_dir()


def _store(url: str, *, make: bool = False) -> ObjectStore:
    folder = _folder(url)
    if folder is None:
        return from_url(url)
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    return LocalStore(folder)
