"""The form of an archive: sealed lines as NDJSON, in blocks that are gzip members of their own (RFC 1952).

The file as a whole is one gzip file, which `zcat` reads; with the blocks' places, any part of it is read alone.
"""

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any

from eventstore.audit.walk import Keys, keys_of
from schemas.envelope import seal

BLOCK_LINES = 1000
BLOCK_BYTES = 4 * 1024 * 1024  # a line more at most
LEVEL = 6
_HASH_TAIL = len(',"hash":""}') + 64


class Damaged(Exception):
    """An archive is not what was put there. `position`: the first event that can't be read."""

    def __init__(self, name: str, position: int, detail: str) -> None:
        super().__init__(name, position, detail)
        self.name = name
        self.position = position
        self.detail = detail


class Row:
    """A line of an archive, to be used as a row of `events`; its columns follow from the line itself."""

    __slots__ = ("_keys", "hash", "line", "position")

    def __init__(self, position: int, line: bytes, hash_: bytes) -> None:
        self.position = position
        self.line = line
        self.hash = hash_
        self._keys: Keys | None = None

    @property
    def keys(self) -> Keys:
        """Raises ValueError for what is no line."""
        if self._keys is None:
            self._keys = keys_of(self.line)
            if self._keys is None:
                raise ValueError(f"position {self.position} of the archive is no line")
        return self._keys

    def __getitem__(self, name: int | str) -> Any:  # noqa: ANN401 - as the rows of the driver, whose place it takes
        if isinstance(name, int):
            return tuple(self)[name]
        if name in {"position", "line", "hash"}:
            return getattr(self, name)
        return str(self.keys.actor) if name == "actor" else getattr(self.keys, name)

    def __iter__(self) -> Iterator[Any]:
        """In the order in which the log is checked."""
        keys = self.keys
        yield from (self.position, self.line, self.hash, keys.tenant, keys.stream, keys.version)
        yield from (keys.type, keys.recorded_at, str(keys.actor))

    @property
    def recorded_at(self) -> datetime:
        return self.keys.recorded_at


class Packer:
    """Lines in, blocks out; and where each block begins."""

    def __init__(self, first: int) -> None:
        self.starts: list[int] = []
        self.offsets: list[int] = []
        self.size = 0
        self.digest = sha256()
        self._next = first
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, line: bytes, hash_: bytes) -> bytes:
        """What is full by now, or nothing."""
        self._lines.append(seal(line, hash_))
        self._bytes += len(line)
        self._next += 1
        return self.block() if len(self._lines) == BLOCK_LINES or self._bytes >= BLOCK_BYTES else b""

    def block(self) -> bytes:
        """The rest, as the last block."""
        if not self._lines:
            return b""
        packed = gzip.compress(b"\n".join(self._lines) + b"\n", LEVEL, mtime=0)
        self.starts.append(self._next - len(self._lines))
        self.offsets.append(self.size)
        self.size += len(packed)
        self.digest.update(packed)
        self._lines, self._bytes = [], 0
        return packed


def unpacked(name: str, raw: bytes, first: int, count: int) -> list[Row]:
    """The rows of one block. Raises Damaged."""
    try:
        lines = gzip.decompress(raw).split(b"\n")
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(name, first, f"its block from {first} on can't be read") from error
    if len(lines) != count + 1 or lines[-1]:
        raise Damaged(name, first, f"its block from {first} on has other lines than were put there")
    return [_row(name, first + n, line) for n, line in enumerate(lines[:-1])]


def _row(name: str, position: int, sealed: bytes) -> Row:
    line, tail = sealed[:-_HASH_TAIL] + b"}", sealed[-_HASH_TAIL:]
    try:
        row = Row(position, line, bytes.fromhex(tail[9:-2].decode("ascii")))
    except ValueError:
        raise Damaged(name, position, f"position {position} is no sealed line") from None
    if seal(line, row.hash) != sealed or keys_of(line) is None:
        raise Damaged(name, position, f"position {position} is no sealed line")
    return row
