"""How an event becomes true: sealed behind the head as it was read, all of a batch in one transaction.

`Batch` is filled in memory between the load and the write; `APPEND_SQL` writes it and moves the head. Positions are
contiguous and the chain covers all before, since only one of those who read the same head can move it.
"""

import re
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from eventstore.postgres import Connection
from schemas.envelope import LINE_MAX_BYTES, Cause, Recorded, encode, line
from schemas.events import Event
from schemas.job import Job

APPEND_SQL = files("eventstore").joinpath("append.sql").read_text()
APPEND_PARAMS = 14
# Whoever writes the tables of an append waits at the first of them, and whoever read before finds another head.
_LOCK_HEADS = "lock table heads in exclusive mode"
_TOUCH_HEADS = "update heads set position = position returning partition, position"
_ENVELOPE_BYTES = 2048  # more than any envelope takes

Draft = tuple[Recorded, bytes]  # an event and its data's bytes: encoded once


class Row(NamedTuple):
    """A sealed event, as the log keeps it."""

    position: int
    tenant: str
    stream: str
    version: int
    type: str
    actor: str
    line: bytes
    hash: bytes


class TooLarge(ValueError):
    """An event's line would be longer than the contract allows; nothing was added."""


class Batch:
    """The events of one append. `head` and `hash` are what the head said; `at` is the database's clock.

    `seen` is the transaction that wrote the head as it was read: a write behind any other head moves nothing.
    """

    def __init__(self, partition: int, head: int, hash_: bytes, at: datetime, seen: int | None = None) -> None:
        self.partition = partition
        self.at = at
        self.before = head
        self.seen = seen
        self.head = head
        self.hash = hash_
        self.recorded: list[Recorded] = []
        self.rows: list[Row] = []
        self.jobs: dict[str, Job] = {}  # those that these events are of, as they stand after them
        self.size = 0  # of the lines, in bytes

    def draft(self, tenant: str, stream: str, version: int, events: list[Event], cause: Cause) -> list[Draft]:
        """The events as they would stand next in the log; nothing is added yet. Raises TooLarge."""
        drafts = [
            (
                Recorded(
                    tenant=tenant,
                    partition=self.partition,
                    position=self.head + n,
                    stream=stream,
                    version=version + n,
                    recorded_at=self.at,
                    actor=cause.actor,
                    traceparent=cause.traceparent,
                    data=event,
                ),
                encode(event),
            )
            for n, event in enumerate(events, 1)
        ]
        if any(len(data) > LINE_MAX_BYTES - _ENVELOPE_BYTES for _, data in drafts):
            raise TooLarge
        return drafts

    def add(self, drafts: list[Draft], cause: Cause) -> None:
        """Seal the drafts, which `draft` made just before."""
        for recorded, data in drafts:
            raw = line(recorded, cause, data)
            self.hash = sha256(self.hash + sha256(raw).digest()).digest()
            self.head = recorded.position
            self.recorded.append(recorded)
            self.size += len(raw)
            self.rows.append(Row(
                recorded.position, recorded.tenant, recorded.stream, recorded.version, recorded.type,
                str(recorded.actor), raw, self.hash,
            ))  # fmt: skip

    def params(self) -> list[object]:
        """The bind values of APPEND_SQL."""
        columns = [list(column) for column in zip(*self.rows, strict=True)] or [[] for _ in range(8)]
        return [self.partition, *columns, self.before, self.head, self.hash, self.at, self.seen]


async def stop_appends(conn: Connection) -> dict[int, int]:
    """Until the caller's transaction ends, in every process; answers where the partitions stand.

    What was read for an append before is read anew after it, so rows may be put right meanwhile.
    """
    await conn.execute(_LOCK_HEADS)
    return {row["partition"]: row["position"] for row in await conn.fetch(_TOUCH_HEADS)}


def renumber(sql: str, by: int) -> str:
    """The same SQL with every bind number raised, so that two fragments can share a statement."""
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", sql)
