"""Proof of one job's history for whoever has neither the service nor the database (docs/audit.md).

`make` reads the log; `check` needs the bundle alone: each line leads by its inclusion proof to the root that is signed.
"""

import base64
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from eventstore.archive import read as archived
from eventstore.audit import tiles
from eventstore.audit.checkpoints import Checkpoint
from eventstore.audit.merkle import Range, consistency_ranges, inclusion_ranges, is_consistent, is_included
from eventstore.audit.notes import (
    HASH_BYTES,
    BadKey,
    BadNote,
    Head,
    PublicKey,
    open_checkpoint,
    open_note,
    read_head,
    strict_base64,
)
from eventstore.audit.walk import Keys, keys_of
from eventstore.chain import digest_of
from eventstore.postgres import Connection

FORMAT = "tidings-bundle/1"
EVENTS_MAX = 100_000
BUNDLE_BYTES = 1024 * 1024 * 1024
PROOF_MAX = 64

_LINES = """select position, version, line from events
    where partition = $1 and tenant = $2 and stream = $3 and position <= $4 order by version"""


class BadBundle(ValueError):
    """Does not prove what it says; says why."""


class Event(Struct, frozen=True, forbid_unknown_fields=True):
    """A line as the log keeps it, and the roots that lead from it to the checkpoint's, its sibling first, in base64."""

    line: str
    proof: list[str]


class Older(Struct, frozen=True, forbid_unknown_fields=True):
    """A checkpoint from before, and the roots that prove that the log still begins with what it covered."""

    note: str
    proof: list[str]


class Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    job: str
    key: str
    checkpoint: str  # the signed note
    events: list[Event]
    older: Older | None = None


class Proved(Struct, frozen=True):
    """What a good bundle proves."""

    job: str
    events: int
    origin: str
    size: int
    signed_by: list[str]
    begins_with: int | None  # the events that the older checkpoint covered


async def make(
    conn: Connection, checkpoint: Checkpoint, key: PublicKey, tenant: str, job: str, older: str | None = None
) -> Bundle:
    """The proof up to a checkpoint. `older`: a note that the reader has from before. Raises BadBundle, BadNote."""
    there = await conn.fetch(_LINES, checkpoint.partition, tenant, job, checkpoint.position)
    rows = await archived.merged(conn, checkpoint.partition, tenant, job, 0, EVENTS_MAX, there, BUNDLE_BYTES)
    if not rows:
        raise BadBundle(f"has no events: no job of {tenant} has the id {job}")
    if there and rows[-1]["version"] < there[-1]["version"]:
        raise BadBundle(f"is too long: it would hold more than {EVENTS_MAX:,} events or {BUNDLE_BYTES:,} bytes")
    known: dict[Range, str] = {}
    events = [
        Event(
            row["line"].decode(),
            await _roots(conn, checkpoint, inclusion_ranges(row["position"] - 1, checkpoint.position), known),
        )
        for row in rows
    ]
    before = None
    if older is not None:
        head = read_head(open_note(older, [key])[0])
        ranges = consistency_ranges(head.size, checkpoint.position)
        before = Older(older, await _roots(conn, checkpoint, ranges, known))
    bundle = Bundle(FORMAT, job, str(key), checkpoint.note, events, before)
    check(bundle, [key])
    return bundle


async def _roots(
    conn: Connection, checkpoint: Checkpoint, ranges: Iterable[Range], known: dict[Range, str]
) -> list[str]:
    found = []
    for each in ranges:
        if each not in known:
            known[each] = base64.b64encode(await tiles.subtree(conn, checkpoint.partition, each)).decode()
        found.append(known[each])
    return found


def read(raw: bytes) -> Bundle:
    """Raises BadBundle."""
    try:
        return msgspec.json.decode(raw, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBundle(f"can't be read: {error}") from None


def check(bundle: Bundle, pinned: Sequence[PublicKey] = ()) -> Proved:
    """What it proves. `pinned`: keys known from elsewhere; without any, the bundle's own is taken. Raises BadBundle."""
    if bundle.format != FORMAT:
        raise BadBundle(f"is of another form, {bundle.format[:40]!r}")
    try:
        own = [PublicKey.read(bundle.key)]
        keys = list(pinned) or own
        open_checkpoint(bundle.checkpoint, own)
        head = open_checkpoint(bundle.checkpoint, keys)
        by = open_note(bundle.checkpoint, keys)[1]
    except (BadKey, BadNote) as error:
        raise BadBundle(f"has a checkpoint that counts for nothing: it {error}") from None
    if not 0 < len(bundle.events) <= EVENTS_MAX:
        raise BadBundle("has no events, or too many")
    tenants = set()
    for number, event in enumerate(bundle.events, 1):
        tenants.add(_check_event(bundle, event, number, head).tenant)
    if len(tenants) != 1:
        raise BadBundle("has events of several tenants")
    begins_with = _check_older(bundle.older, head, keys) if bundle.older else None
    return Proved(bundle.job, len(bundle.events), head.origin, head.size, [str(key) for key in by], begins_with)


def _check_event(bundle: Bundle, event: Event, number: int, head: Head) -> Keys:
    line = event.line.encode()
    keys = keys_of(line)
    if keys is None or keys.stream != bundle.job or keys.version != number:
        raise BadBundle(f"has an event {number} that is not version {number} of the job")
    if f"/{keys.partition}" != head.origin[head.origin.rfind("/") :]:
        raise BadBundle(f"has an event {number} of another log")
    if not is_included(digest_of(line), keys.position - 1, head.size, _hashes(event.proof), head.root):
        raise BadBundle(f"has an event {number} that is not in the log that was signed")
    return keys


def _check_older(older: Older, head: Head, keys: Sequence[PublicKey]) -> int:
    try:
        before = open_checkpoint(older.note, keys)
    except BadNote as error:
        raise BadBundle(f"has an older checkpoint that counts for nothing: it {error}") from None
    if before.origin != head.origin or not is_consistent(
        before.size, head.size, _hashes(older.proof), before.root, head.root
    ):
        raise BadBundle("does not prove that the log begins with what the older checkpoint covered")
    return before.size


def _hashes(proof: Sequence[str]) -> list[bytes]:
    found = [strict_base64(each) for each in proof]
    if any(each is None or len(each) != HASH_BYTES for each in found) or len(found) > PROOF_MAX:
        raise BadBundle("has a proof that can't be read")
    return [each for each in found if each]
