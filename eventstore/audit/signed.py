"""Which checkpoints a verification goes by: those in the database, and those that are kept outside of it."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from eventstore.audit import keys
from eventstore.audit.notes import BadKey, BadNote, PublicKey, open_checkpoint, open_note
from eventstore.audit.walk import Bad, Kind, Signed
from eventstore.postgres import Connection

_ALL = "select position, hash, root, note from signed_checkpoints where partition = $1 order by position"


class Outside(Struct, frozen=True):
    """A note that is kept elsewhere, and where."""

    note: str
    place: str


class Trust(Struct, frozen=True):
    """Whose signatures count. `pinned`: keys known from elsewhere; without any, all that the database remembers."""

    pinned: tuple[PublicKey, ...] = ()


async def signed(
    conn: Connection, partition: int, trust: Trust, outside: Sequence[Outside]
) -> tuple[list[Signed], Bad | None]:
    """The checkpoints of a partition that can be gone by, and the first one that is spoiled."""
    name = await keys.log_name(conn)
    rows = await conn.fetch(_ALL, partition)
    try:
        known = [*await keys.remembered(conn), *trust.pinned]
    except BadKey as error:
        return [], Bad(partition, 0, Kind.CHECKPOINT, f"a signing key was changed: {error}")
    if rows and name is None:
        return [], Bad(partition, rows[0]["position"], Kind.CHECKPOINT, "the log's name was removed")
    found: list[Signed] = []
    for row in rows:
        position: int = row["position"]
        try:
            head = open_checkpoint(row["note"], known)
        except BadNote as error:
            return found, Bad(partition, position, Kind.CHECKPOINT, f"the note of the checkpoint {error}")
        if (head.origin, head.size, head.root) != (keys.origin(name or "", partition), position, row["root"]):
            return found, Bad(partition, position, Kind.CHECKPOINT, "the checkpoint is not what its note says")
        found.append(Signed(position, head.root, f"the checkpoint at {position}", row["hash"]))
    bad = _unpinned(partition, trust, rows[-1]["note"], rows[-1]["position"]) if rows else None
    if bad is None:
        kept, bad = _kept(partition, name, known, outside)
        found += kept
    return found, bad


def _unpinned(partition: int, trust: Trust, note: str, position: int) -> Bad | None:
    """Where a key is pinned, the newest checkpoint must be signed by it: the database alone could name any key."""
    if not trust.pinned:
        return None
    try:
        open_note(note, trust.pinned)
    except BadNote as error:
        return Bad(partition, position, Kind.CHECKPOINT, f"the newest checkpoint {error}")
    return None


def _kept(
    partition: int, name: str | None, known: Iterable[PublicKey], outside: Sequence[Outside]
) -> tuple[list[Signed], Bad | None]:
    """Of the notes outside, those of this partition. One of another log means that the database was swapped."""
    found: list[Signed] = []
    for each in outside:
        try:
            head = open_checkpoint(each.note, known)
        except BadNote as error:
            return found, Bad(partition, 0, Kind.CHECKPOINT, f"{each.place} {error}")
        log, _, number = head.origin.rpartition("/")
        if log != name:
            return found, Bad(partition, 0, Kind.CHECKPOINT, f"{each.place} is of another log, {log}")
        if number == str(partition):
            found.append(Signed(head.size, head.root, each.place))
    return found, None
