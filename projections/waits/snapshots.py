"""Snapshots of what was learnt, beside the log: a restart reads one and goes on from its position.

State and position are one row, written in one statement. Any number of processes may write: a snapshot only ever
gives way to a newer one, and of two that come together one waits for the next time.
"""

import asyncio
import zlib

from eventstore import read
from eventstore.postgres import Connection
from projections.waits import learnt
from projections.waits.learnt import Learnt

PACKED = 1  # zlib's level: the quickest leaves a ninth

_FIND = "select learnt from waits_snapshots where partition = $1 and form = $2"
_STANDS = "select position, form from waits_snapshots where partition = $1"
_KEEP = """with lock as materialized (select pg_try_advisory_xact_lock(hashtext('tidings.waits'), $1) as free)
    insert into waits_snapshots as s (partition, form, position, learnt) select $1, $2, $3, $4 from lock where free
    on conflict (partition) do update
        set form = excluded.form, position = excluded.position, learnt = excluded.learnt, at = clock_timestamp()
        where s.form <> excluded.form or s.position < excluded.position"""


async def find(conn: Connection, partition: int) -> Learnt:
    """The last one that this very code has written; nothing learnt where there is none."""
    packed: bytes | None = await conn.fetchval(_FIND, partition, learnt.form())
    return learnt.decode(zlib.decompress(packed)) if packed else Learnt()


async def position(conn: Connection, partition: int) -> int:
    """How far the last one goes that this code can use; 0 without one."""
    row = await conn.fetchrow(_STANDS, partition)
    return row["position"] if row and row["form"] == learnt.form() else 0


async def keep(conn: Connection, partition: int, known: Learnt) -> None:
    """Write one as it is now, unless a newer one is there.

    Packed beside the loop: with 100,000 waiting jobs PostgreSQL's own compression took more than a second of a core.
    """
    position, raw = known.position, learnt.encode(known)
    packed = await asyncio.to_thread(zlib.compress, raw, PACKED)
    await conn.execute(_KEEP, partition, learnt.form(), position, packed)


async def differs(conn: Connection, partition: int) -> bool:
    """Whether the snapshot is not what the log teaches, learnt anew up to its position."""
    packed: bytes | None = await conn.fetchval(_FIND, partition, learnt.form())
    if packed is None:
        return False
    raw = zlib.decompress(packed)
    until, known = learnt.decode(raw).position, Learnt()
    while known.position < until:
        page, upto = await read.read_known(conn, partition, known.position, min(read.PAGE, until - known.position))
        if upto <= known.position:
            return True
        for recorded in page:
            learnt.learn(known, recorded)
        known.position = upto
    return learnt.encode(known) != raw
