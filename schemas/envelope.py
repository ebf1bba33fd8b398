"""The sealed line: one encoding of an event, everywhere the same bytes (CONTRACT 1).

`encode` makes the line once, in the append; `seal` puts the chain's hash into it; `decode` reads either form.
"""

from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from schemas.events import EVENTS, SCHEMA, Event
from schemas.upcast import Data, upcast

LINE_MAX_BYTES = 512 * 1024


class Actor(Struct, frozen=True):
    """Who did it. `kind`: user, service, worker or system."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor("system", "tidings")


class Cause(Struct, frozen=True, kw_only=True):
    """Where an event comes from: who, and the ids that tie it to the command and to the caller's trace."""

    actor: Actor
    causation_id: str
    correlation_id: str | None = None  # None: the job's own id
    traceparent: str | None = None


class Line(Struct, frozen=True, kw_only=True):
    """The envelope, keys in the order of the bytes. `data` stays raw until it is asked for."""

    tenant: str
    partition: int
    position: int
    stream: str
    version: int
    type: str
    schema: int
    recorded_at: datetime
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None
    data: Raw


class Recorded(Struct, frozen=True, kw_only=True):
    """An event as it stands in the log, its data decoded and in today's form."""

    tenant: str
    partition: int
    position: int
    stream: str
    version: int
    recorded_at: datetime
    actor: Actor
    traceparent: str | None = None
    data: Event

    @property
    def type(self) -> str:
        return type(self.data).__name__


_encoder = msgspec.json.Encoder()
_line = msgspec.json.Decoder(Line)
_data = {name: msgspec.json.Decoder(kind) for name, kind in EVENTS.items()}
_plain = msgspec.json.Decoder(dict[str, object])


@lru_cache(maxsize=4096)  # all events of an append have one time, and a view says it several times
def time_text(moment: datetime) -> str:
    """RFC 3339, UTC, always six digits of microseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def moment_of(text: str) -> datetime:
    """The time that `time_text` wrote."""
    return datetime.fromisoformat(text)


def encode(event: Event) -> bytes:
    """The data's bytes."""
    return _encoder.encode(event)


class Frame(Struct, kw_only=True, frozen=True):
    """What `line` needs besides the data; the times are text already."""

    tenant: str
    partition: int
    position: int
    stream: str
    version: int
    type: str
    schema: int
    recorded_at: str
    actor: Actor
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None
    data: Raw


def line(recorded: Recorded, cause: Cause, data: bytes) -> bytes:
    """One event as the log keeps it."""
    frame = Frame(
        tenant=recorded.tenant,
        partition=recorded.partition,
        position=recorded.position,
        stream=recorded.stream,
        version=recorded.version,
        type=recorded.type,
        schema=SCHEMA[recorded.type],
        recorded_at=time_text(recorded.recorded_at),
        actor=cause.actor,
        correlation_id=cause.correlation_id or recorded.stream,
        causation_id=cause.causation_id,
        traceparent=recorded.traceparent,
        data=Raw(data),
    )
    return _encoder.encode(frame)


def seal(raw: bytes, digest: bytes) -> bytes:
    """The sealed line: `,"hash":"<64 hex>"` before the last brace."""
    return b'%s,"hash":"%s"}' % (raw[:-1], digest.hex().encode())


def decode(raw: bytes) -> Recorded:
    """A line or a sealed line, upcast. Raises msgspec.ValidationError on what is no line, KeyError on no known type."""
    head = _line.decode(raw)
    if head.schema == SCHEMA[head.type]:
        data = _data[head.type].decode(head.data)
    else:
        old: Data = _plain.decode(head.data)
        data = msgspec.convert(upcast(head.type, head.schema, old), EVENTS[head.type], strict=True)
    return Recorded(
        tenant=head.tenant,
        partition=head.partition,
        position=head.position,
        stream=head.stream,
        version=head.version,
        recorded_at=head.recorded_at,
        actor=head.actor,
        traceparent=head.traceparent,
        data=data,
    )
