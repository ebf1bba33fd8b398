"""One partition's rows against what the log promises: contiguous positions, the chain, the columns, the checkpoints.

Pure: rows in, the first bad event out. Why a row is bad is asked afterwards (`diagnose.py`), when it must be known.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from eventstore.audit.merkle import Tree
from eventstore.chain import START
from schemas.envelope import Actor


class Kind(StrEnum):
    """What happened to the first bad event."""

    EDITED = "edited"
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    TRUNCATED = "truncated"
    HEAD = "head"
    CHECKPOINT = "checkpoint"


class Bad(Struct, frozen=True):
    """The first event that is not as it was, and what is seen of it."""

    partition: int
    position: int
    kind: Kind
    detail: str


class Signed(Struct, frozen=True):
    """What a checkpoint says of the log, and where it is kept. `hash` is known of those in the database alone."""

    position: int
    root: bytes
    place: str
    hash: bytes | None = None


class ArchiveRecord(Protocol):
    """What the database says that an archive holds."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def before(self) -> bytes: ...
    @property
    def hash(self) -> bytes: ...
    @property
    def root(self) -> bytes: ...


class Keys(Struct, frozen=True):
    """Of a line, what stands in columns too."""

    tenant: str
    partition: int
    position: int
    stream: str
    version: int
    type: str
    recorded_at: datetime
    actor: Actor


_keys = msgspec.json.Decoder(Keys)

COLUMNS = ("tenant", "stream", "version", "type", "recorded_at")


class LogRow(Protocol):
    """A row of `events`, or what an archive has in its place."""

    def __getitem__(self, name: str, /) -> Any: ...  # noqa: ANN401 - as the driver has it


def keys_of(line: bytes) -> Keys | None:
    """None for what is no line."""
    try:
        return _keys.decode(line)
    except msgspec.DecodeError:
        return None


def difference(partition: int, row: LogRow) -> str | None:
    """Where a row's columns and its line do not say the same."""
    keys = keys_of(row["line"])
    if keys is None:
        return "the line can't be read"
    if (keys.partition, keys.position) != (partition, row["position"]):
        return f"the line says {keys.partition}:{keys.position}"
    if row["actor"] != str(keys.actor):
        return f"the column actor says {row['actor']}, the line {keys.actor}"
    for name in COLUMNS:
        if row[name] != getattr(keys, name):
            return f"the column {name} says {row[name]}, the line {getattr(keys, name)}"
    return None


class Walk:
    """How far a partition is in order: `position`, the chain's `hash` there, and the tree over all before."""

    def __init__(self, partition: int, signed: Sequence[Signed], records: Sequence[ArchiveRecord] = ()) -> None:
        self.partition = partition
        self.position = 0
        self.hash = START
        self._tree = Tree()
        self._records = list(reversed(records))
        self._began = START
        self._own: Tree | None = None  # over the lines of the archive that the walk is in
        self._signed: dict[int, list[Signed]] = {}
        for each in signed:
            self._signed.setdefault(each.position, []).append(each)

    def step(self, position: int, line: bytes, hash_: bytes) -> bool:
        """Take the next row where its position and its hash are what they must be."""
        if position != self.position + 1:
            return False
        digest = sha256(line).digest()
        expected = sha256(self.hash + digest).digest()
        if hash_ != expected:
            return False
        if self._records and self._records[-1].first == position:
            self._began, self._own = self.hash, Tree()
        self.position, self.hash = position, expected
        self._tree.add(digest)
        if self._own:
            self._own.add(digest)
        return True

    def compare(self, row: LogRow) -> Bad | None:
        """The columns of the row that was taken, with its line."""
        found = difference(self.partition, row)
        return self.bad(Kind.EDITED, found) if found else None

    def check_signed(self) -> Bad | None:
        """The checkpoints of this very position."""
        for each in self._signed.pop(self.position, ()):
            if each.root != self._tree.root():
                return self.bad(Kind.CHECKPOINT, f"the events up to here are not those that {each.place} signed")
            if each.hash not in {None, self.hash}:
                return self.bad(Kind.CHECKPOINT, f"the hash beside {each.place} is not the chain's")
        return None

    def check_record(self) -> Bad | None:
        """The record of the archive that ends at this very position."""
        if self._own is None or self._records[-1].last != self.position:
            return None
        record = self._records.pop()
        said, own, self._own = (record.before, record.hash, record.root), self._own, None
        if said == (self._began, self.hash, own.root()):
            return None
        return self.bad(Kind.CHECKPOINT, f"the record of the archive {record.name} is not what its events say")

    def check_end(self) -> Bad | None:
        """Checkpoints of more events than there are, and records of archives that lie nowhere in the log."""
        if self._records:
            record = self._records[-1]
            detail = f"the record of an archive tells of the events from {record.first} to {record.last}"
            return Bad(self.partition, record.first, Kind.CHECKPOINT, detail)
        beyond = [each for position, found in self._signed.items() if position > self.position for each in found]
        if not beyond:
            return None
        longest = max(beyond, key=lambda each: each.position)
        detail = f"{longest.place} signed {longest.position} events, and there are {self.position}"
        return Bad(self.partition, self.position + 1, Kind.TRUNCATED, detail)

    def bad(self, kind: Kind, detail: str) -> Bad:
        return Bad(self.partition, self.position, kind, detail)
