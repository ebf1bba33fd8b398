"""Why a row is bad: edited, missing, inserted, reordered, truncated, or the head. Asked once, when the walk stopped."""

from msgspec import Struct

from eventstore.audit.walk import Bad, Kind, LogRow, Walk, keys_of
from eventstore.postgres import Connection

# The whole partition is searched; only a damaged log is.
_SAYING = """select position, line from events
    where partition = $1 and position <> $2 and position($3::bytea in line) > 0 order by position"""
_STANDS = "select exists (select from events where partition = $1 and position = $2)"


class HeadRow(Struct, frozen=True):
    """What the log says of itself."""

    position: int
    hash: bytes


async def at_row(conn: Connection, walk: Walk, row: LogRow) -> Bad:
    """The row that the walk did not take: not the next position, or not the next link of the chain."""
    position: int = row["position"]
    wanted = walk.position + 1
    keys = keys_of(row["line"])
    said = keys.position if keys and keys.partition == walk.partition else None
    if position < wanted:
        moved = said is not None and said != position and not await conn.fetchval(_STANDS, walk.partition, said)
        kind = Kind.REORDERED if moved else Kind.INSERTED
        return Bad(walk.partition, position, kind, f"a row that no event belongs to; its line says {said}")
    elsewhere = await _elsewhere(conn, walk.partition, wanted)
    if position > wanted:
        return _gap(walk, elsewhere, position)
    if elsewhere is not None:
        inserted = said is None or said <= wanted
        kind = Kind.INSERTED if inserted else Kind.REORDERED
        return Bad(walk.partition, wanted, kind, f"the event of this position stands at {elsewhere}")
    if said is not None and said > wanted:
        return Bad(walk.partition, wanted, Kind.MISSING, f"in its place stands the event of position {said}")
    return Bad(walk.partition, wanted, Kind.EDITED, "its hash is not the one that follows from its line")


def _gap(walk: Walk, elsewhere: int | None, position: int) -> Bad:
    wanted = walk.position + 1
    if elsewhere is not None:
        return Bad(walk.partition, wanted, Kind.REORDERED, f"the event of this position stands at {elsewhere}")
    return Bad(walk.partition, wanted, Kind.MISSING, f"the next row stands at {position}")


async def _elsewhere(conn: Connection, partition: int, wanted: int) -> int | None:
    """Where a row stands whose line says that it belongs to a position."""
    words = b'"partition":%d,"position":%d,' % (partition, wanted)
    for row in await conn.fetch(_SAYING, partition, wanted, words):
        keys = keys_of(row["line"])
        if keys and (keys.partition, keys.position) == (partition, wanted):
            found: int = row["position"]
            return found
    return None


def beyond_head(walk: Walk, head: HeadRow, position: int) -> Bad:
    """A row behind the last event: put there by hand, or the head was set back."""
    if head.hash != walk.hash:
        return _other_head(walk, head)
    return Bad(walk.partition, position, Kind.INSERTED, f"the log ends at {head.position}; this row is none of it")


async def at_end(conn: Connection, walk: Walk, head: HeadRow) -> Bad | None:
    """After the last row, none of them beyond the head."""
    if head.position > walk.position:
        return await _short(conn, walk, head)
    return _other_head(walk, head) if head.hash != walk.hash else None


def _other_head(walk: Walk, head: HeadRow) -> Bad:
    return Bad(walk.partition, head.position, Kind.HEAD, "the head's hash is not that of its event")


async def _short(conn: Connection, walk: Walk, head: HeadRow) -> Bad:
    wanted = walk.position + 1
    if head.hash == walk.hash:
        return Bad(walk.partition, wanted, Kind.HEAD, f"the head says {head.position}, but its hash is of {wanted - 1}")
    if (elsewhere := await _elsewhere(conn, walk.partition, wanted)) is not None:
        return Bad(walk.partition, wanted, Kind.REORDERED, f"the event of this position stands at {elsewhere}")
    return Bad(walk.partition, wanted, Kind.TRUNCATED, f"the head says that there are events up to {head.position}")
