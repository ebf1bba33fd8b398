"""A closed range leaves the table: first its file, then in one transaction its record and the removal of its rows.

Whatever dies in between, nothing is lost: without the record the file counts for nothing, and the next try writes it
again. Lines of streams that go on are carried along: they stay in the table as well.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from eventstore.archive import place, read
from eventstore.archive.packed import Packer
from eventstore.audit.merkle import Tree
from eventstore.chain import START
from eventstore.crash_points import crash_point
from eventstore.postgres import Connection

LOCK = 0x7469_6172  # one archiver of a partition at a time; the second number is the partition
EVENTS_MAX = 65_536  # of one file

_LOCK = "select pg_advisory_lock($1, $2)"
_UNLOCK = "select pg_advisory_unlock($1, $2)"
# By the primary key: times never go back along positions.
_CLOSED = """select coalesce(max(position), 0) as last, count(*) as count from (
        select position from events
        where partition = $1 and position > $2 and recorded_at <= $3 order by position limit $4
    ) range"""
_HASH = "select hash from events where partition = $1 and position = $2"
_HASH_ARCHIVED = "select hash from archives where partition = $1 and last = $2"
_ROWS = "select line, hash from events where partition = $1 and position > $2 and position <= $3 order by position"
_RECORD = """insert into archives (partition, first, last, name, before, hash, root, starts, offsets, size, digest)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
# What may leave: all but the newest of a tenant's or type's own stream; of jobs, those that ended long enough ago with
# all their events archived. $2 last archived position · $3 states of ended jobs · $4–$6 cutoffs by (tenant, type)
# · $7 cutoff of all others. By primary keys, and events_stream_version.
_RELEASE = """delete from events e
    where e.partition = $1 and e.position <= $2 and case
        when strpos(e.stream, ':') > 0 then exists (
            select from events n
            where n.partition = $1 and n.tenant = e.tenant and n.stream = e.stream and n.version > e.version)
        else exists (
            select from jobs j
            left join unnest($4::text[], $5::text[], $6::timestamptz[]) k (tenant, type, cutoff)
                on k.tenant = j.tenant and k.type = j.type
            join events l on l.partition = $1 and l.position = j.position
            where j.partition = $1 and j.id = e.stream::uuid and j.state = any ($3) and j.position <= $2
                and l.recorded_at <= coalesce(k.cutoff, $7, '-infinity'::timestamptz))
        end"""


class Damaged(Exception):
    """The log does not hold what its hashes say: nothing is archived. `tidings audit verify` says where."""


class Cutoffs(Struct, frozen=True):
    """What is older may leave. `others`: for all types but the named ones; None: those stay for ever."""

    others: datetime | None
    named: Sequence[tuple[str, str, datetime]] = ()  # tenant, type, until when

    @property
    def latest(self) -> datetime | None:
        """A range up to here has something that may leave."""
        return max([each for _, _, each in self.named] + ([self.others] if self.others else []), default=None)


class Archived(Struct, frozen=True):
    """One range that left the table."""

    partition: int
    first: int
    last: int
    name: str
    size: int
    removed: int  # rows; the others are carried along


async def archive(
    conn: Connection, partition: int, cutoffs: Cutoffs, ended: Sequence[str], most: int = EVENTS_MAX
) -> Archived | None:
    """The next closed range, if there is one; what was carried along before and may leave by now goes too.

    `ended`: the states of ended jobs. Raises Damaged, place.NoPlace.
    """
    await conn.execute(_LOCK, LOCK, partition)
    try:
        return await _archive(conn, partition, cutoffs, ended, most)
    finally:
        await conn.execute(_UNLOCK, LOCK, partition)


async def _archive(
    conn: Connection, partition: int, cutoffs: Cutoffs, ended: Sequence[str], most: int
) -> Archived | None:
    before, until = await read.upto(conn, partition), cutoffs.latest
    row = await conn.fetchrow(_CLOSED, partition, before, until, most) if until else None
    if row is None or row["count"] == 0:
        return None
    if row["last"] - before != row["count"]:
        raise Damaged(f"partition {partition} has {row['count']} events from {before + 1} to {row['last']}")
    range_ = _Range(partition, before, row["last"], await _hash_at(conn, partition, before))
    last_hash: bytes = await conn.fetchval(_HASH, partition, range_.last)
    name = f"{partition}/{before + 1}-{range_.last}-{last_hash.hex()[:16]}.ndjson.gz"
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await place.put(conn, name, range_.packed(conn))
    if range_.hash != last_hash:
        raise Damaged(f"partition {partition} has another event at {range_.last} than a moment ago")
    crash_point("archive.after_file")
    await range_.check_file(conn, name)
    async with conn.transaction():
        pack = range_.packer
        await conn.execute(
            _RECORD, partition, before + 1, range_.last, name, range_.before, range_.hash, range_.tree.root(),
            pack.starts, pack.offsets, pack.size, pack.digest.digest(),
        )  # fmt: skip
        crash_point("archive.before_release")
        removed = await _release(conn, partition, range_.last, cutoffs, ended)
        crash_point("archive.before_commit")
    crash_point("archive.after_commit")
    return Archived(partition, before + 1, range_.last, name, pack.size, removed)


async def release(conn: Connection, partition: int, cutoffs: Cutoffs, ended: Sequence[str]) -> int:
    """Lines that were carried along and may leave by now. Answers how many did."""
    last = await read.upto(conn, partition)
    return await _release(conn, partition, last, cutoffs, ended) if last else 0


async def _release(conn: Connection, partition: int, last: int, cutoffs: Cutoffs, ended: Sequence[str]) -> int:
    named = list(cutoffs.named)
    columns = [each[0] for each in named], [each[1] for each in named], [each[2] for each in named]
    done = await conn.execute(_RELEASE, partition, last, list(ended), *columns, cutoffs.others)
    return int(done.removeprefix("DELETE "))


async def _hash_at(conn: Connection, partition: int, position: int) -> bytes:
    if position == 0:
        return START
    found: bytes = await conn.fetchval(_HASH_ARCHIVED, partition, position)
    return found


class _Range:
    """The range on its way into its file: the chain and the tree over what was really read."""

    def __init__(self, partition: int, after: int, last: int, before: bytes) -> None:
        self.partition = partition
        self.after = after
        self.last = last
        self.before = self.hash = before
        self.tree = Tree()
        self.packer = Packer(after + 1)

    async def packed(self, conn: Connection) -> AsyncIterator[bytes]:
        """Inside a transaction of the caller's. Raises Damaged."""
        async for row in conn.cursor(_ROWS, self.partition, self.after, self.last, prefetch=500):
            digest = sha256(row["line"]).digest()
            self.hash = sha256(self.hash + digest).digest()
            if self.hash != row["hash"]:
                raise Damaged(f"partition {self.partition} does not hold what its hashes say")
            self.tree.add(digest)
            if block := self.packer.add(row["line"], row["hash"]):
                yield block
        if block := self.packer.block():
            yield block

    async def check_file(self, conn: Connection, name: str) -> None:
        """The file is read back before anything leaves the table. Raises Damaged."""
        pack, hash_ = self.packer, self.before
        found = read.Archive(self.after + 1, self.last, name, pack.starts, pack.offsets, pack.size)
        for start in pack.starts:
            for row in await found.block(conn, start):
                hash_ = sha256(hash_ + sha256(row.line).digest()).digest()
                if hash_ != row.hash:
                    raise Damaged(f"the file {name} is not what was written")
        if hash_ != self.hash:
            raise Damaged(f"the file {name} is not what was written")
