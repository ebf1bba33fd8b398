"""How a partition's stream in NATS stands against its log, and how a stream that went astray is made anew.

The stream is its own checkpoint: sequence = position. So all that can be wrong with it shows in its first and last
sequence, its count, and the hash of its last event, which covers every event before.
"""

import contextlib
from enum import StrEnum

from msgspec import Struct
from nats.js import JetStreamContext
from nats.js.api import PersistMode, StreamInfo, StreamState
from nats.js.errors import NotFoundError

from eventstore.archive import read as archived
from eventstore.jetstream import find_stream
from eventstore.postgres import Connection
from schemas import subjects

_HASH_TAIL_BYTES = 66  # `<64 hex>"}` ends every sealed line

# Which stream was filled once, by when it was made: without this, a deleted one would look like one never made. A crash
# may take from a stream all that was just published to it; it is still the same one, and is filled again (ADR 007).
_FILLED = "relay"
_MARK = "insert into checkpoints (projection, partition, position) values ($1, $2, $3) on conflict do nothing"
_UNMARK = "delete from checkpoints where projection = $1 and partition = $2"
# By primary keys, the first position by its index.
_LOG = """select h.position as head,
        coalesce((select min(first) from archives where partition = $1),
                 (select min(position) from events where partition = $1), h.position + 1) as first,
        coalesce((select hash from events where partition = $1 and position = $2),
                 case when h.position = $2 then h.hash end) as hash,
        (select position from checkpoints where projection = $3 and partition = $1) as filled
    from heads h where h.partition = $1"""


class Fault(StrEnum):
    """Why nothing may be published to a stream until `tidings relay resync` has made it anew."""

    DELETED = "deleted"
    PURGED = "purged"
    HOLE = "hole"
    AHEAD = "ahead"
    DIFFERS = "differs"
    SINGLE = "single"


class Standing(Struct, frozen=True, kw_only=True):
    """One look. `first` is where the log begins, `last` the last position in the stream."""

    partition: int
    head: int
    first: int
    last: int
    there: bool  # the stream exists
    fault: Fault | None
    detail: str | None

    @property
    def lag(self) -> int:
        return max(0, self.head - self.last)


async def look(conn: Connection, js: JetStreamContext, partition: int, replicas: int = 1) -> Standing:
    """The stream is read before the log: what stands in it was committed by then, unless the log lost it.

    `replicas`: how many copies there should be.
    """
    name = subjects.events_stream(partition)
    found = await find_stream(js, name)
    state = found.state if found else None
    last = state.last_seq if state else 0
    told = await _last_hash(js, name, last) if state and state.messages else None
    log = await conn.fetchrow(_LOG, partition, last, _FILLED)
    if log is None:
        raise LookupError(f"the log has no partition {partition}")
    hash_ = log["hash"] or await _archived_hash(conn, partition, last)
    gone = log["filled"] is not None and (found is None or made(found) != log["filled"])
    fault = _fault(state, log["first"], log["head"], hash_, told, gone=gone) or _single(found, replicas)
    return Standing(
        partition=partition,
        head=log["head"],
        first=log["first"],
        last=last or log["first"] - 1,
        there=state is not None,
        fault=fault[0] if fault else None,
        detail=fault[1] if fault else None,
    )


async def _archived_hash(conn: Connection, partition: int, position: int) -> bytes | None:
    """Where the stream is so far behind that its last event stands in an archive."""
    rows = await archived.page(conn, partition, position - 1, 1) if position > 0 else []
    return rows[0].hash if rows else None


def _fault(
    state: StreamState | None, first: int, head: int, in_log: bytes | None, told: str | None, *, gone: bool
) -> tuple[Fault, str] | None:
    if state is None or (state.messages == 0 and state.last_seq == first - 1):
        return (Fault.DELETED, "the stream was deleted, and its events with it") if gone else None
    if state.messages == 0 or state.first_seq > first:
        kept = f"begins at {state.first_seq:,}" if state.messages else "is empty"
        return Fault.PURGED, f"the stream {kept}, the log begins at {first:,}"
    missing = state.last_seq - state.first_seq + 1 - state.messages
    if missing:
        return Fault.HOLE, f"{missing:,} events are missing inside the stream"
    if state.last_seq > head:
        return Fault.AHEAD, f"the stream has {state.last_seq:,} events, the log {head:,}: was it restored?"
    if in_log is None or told != in_log.hex():
        return Fault.DIFFERS, f"event {state.last_seq:,} of the stream is another one than in the log"
    return None


def _single(stream: StreamInfo | None, replicas: int) -> tuple[Fault, str] | None:
    """NATS copies no stream that it does not write at once, and lets none change that (ADR 007)."""
    if stream and replicas > 1 and stream.config.persist_mode == PersistMode.ASYNC:
        return Fault.SINGLE, f"the stream was made for a single server, so it can't have {replicas} copies"
    return None


async def _last_hash(js: JetStreamContext, name: str, sequence: int) -> str | None:
    try:
        body = (await js.get_msg(name, sequence)).data or b""
    except NotFoundError:
        return None
    return body[-_HASH_TAIL_BYTES:-2].decode(errors="replace")


def made(stream: StreamInfo) -> int:
    """When, in microseconds since 1970: it tells a stream from one of its name."""
    if stream.created is None:
        return 0
    return round(stream.created.timestamp() * 1_000_000)


async def mark_filled(conn: Connection, partition: int, stream_made: int) -> None:
    await conn.execute(_MARK, _FILLED, partition, stream_made)


async def forget(conn: Connection, js: JetStreamContext, partition: int) -> None:
    """Delete the stream and that it ever was, so that the partition's relay makes it anew and fills it.

    In this order: a relay that runs meanwhile sees a deleted stream and waits.
    """
    with contextlib.suppress(NotFoundError):
        await js.delete_stream(subjects.events_stream(partition))
    await conn.execute(_UNMARK, _FILLED, partition)
