"""All that a partition's log has taught: the model of the waits and the usual silences, with how far they have come.

`learn` is a pure function of the log in event time, so what was learnt live, from a snapshot on, or anew from the
first event is the same, byte for byte.
"""

from functools import cache
from hashlib import blake2b
from importlib.resources import files

import msgspec
from msgspec import Struct, field

from projections.waits import state
from projections.waits.fold import fold
from projections.waits.signs import Signs
from projections.waits.state import State
from projections.waits.windows import made, plain
from schemas.envelope import Recorded


class Learnt(Struct):
    """`position`: of the last event that was taken in."""

    model: State = field(default_factory=State)
    signs: Signs = field(default_factory=Signs)
    position: int = 0


def learn(known: Learnt, recorded: Recorded) -> None:
    """Take in the next event of the partition, in constant time."""
    live = known.model.live.get(recorded.stream)
    known.model = fold(known.model, recorded)
    if live:
        known.signs.hear(live.tenant, live.type, recorded)
    known.position = recorded.position


@cache
def form() -> str:
    """Names the code that learns. What another one has learnt is learnt anew, or live would not equal rebuilt."""
    digest = blake2b(digest_size=16)
    for file in sorted(files("projections.waits").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".py"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


class _Written(Struct, array_like=True):
    position: int
    model: bytes
    signs: Signs


_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_decoder = msgspec.msgpack.Decoder(_Written, dec_hook=made)


def encode(known: Learnt) -> bytes:
    return _encoder.encode(_Written(known.position, state.encode(known.model), known.signs))


def decode(raw: bytes) -> Learnt:
    found = _decoder.decode(raw)
    return Learnt(state.decode(found.model), found.signs, found.position)
