"""Signed checkpoints: made while the log moves, kept for good, and never one that contradicts an earlier one.

Whoever makes one holds the partition's lock for a moment, so any number of processes may try. The tree stays in
memory: a checkpoint costs what came since the last one.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg
from msgspec import Struct

from eventstore import read
from eventstore.audit import keys
from eventstore.audit.merkle import Tree
from eventstore.audit.notes import Head, PublicKey, seeds, sign, signatures
from eventstore.audit.tiles import Gap, extend, load
from eventstore.postgres import Connection, Pool

LOCK = 0x7469_6370  # the class of the makers' locks; the second number is the partition

_ONE_MAKER = "select pg_advisory_xact_lock($1, $2)"
_LAST = """select partition, position, hash, root, note, at from signed_checkpoints
    where partition = $1 order by position desc limit 1"""
_AFTER = """select partition, position, hash, root, note, at from signed_checkpoints
    where partition = $1 and position > $2 order by position limit $3"""
_KEEP = """insert into signed_checkpoints (partition, position, hash, root, note)
    values ($1, $2, $3, $4, $5) returning partition, position, hash, root, note, at"""
_HEAD = "select position, hash from heads where partition = $1"


class HistoryDamaged(Exception):
    """The log does not continue its last checkpoint: nothing is signed. `tidings audit verify` says where."""


class Checkpoint(Struct, frozen=True):
    """A partition's log at one moment, signed."""

    partition: int
    position: int
    hash: bytes
    root: bytes
    note: str
    at: datetime

    @property
    def signature(self) -> bytes:
        """The first one's 64 bytes, without the key's id."""
        return signatures(self.note)[1][0][2]


class Makers:
    """One for each partition. `setting`: the private keys, where they are not the log's own. Raises BadKey."""

    def __init__(self, pool: Pool, partitions: int, setting: str | None) -> None:
        self._pool = pool
        self._seeds = seeds(setting) if setting else None
        self._makers = [_Maker(partition) for partition in range(partitions)]
        self._signers: keys.Signers | None = None

    async def make(self, partitions: Iterable[int] | None = None) -> list[Checkpoint]:
        """A checkpoint of each partition that has events: a new one where the log moved. Raises HistoryDamaged."""
        found = []
        for partition in range(len(self._makers)) if partitions is None else partitions:
            async with self._pool.acquire() as conn:
                made = await self._makers[partition].make(conn, await self.signers(conn))
            if made:
                found.append(made)
        return found

    async def signers(self, conn: Connection) -> keys.Signers:
        if self._signers is None:
            found = await keys.signers(conn, self._seeds)
            await keys.remember(conn, found)
            self._signers = found
        return self._signers

    async def public_key(self) -> PublicKey:
        async with self._pool.acquire() as conn:
            return (await self.signers(conn)).keys[0].public


class _Maker:
    """One partition, its tree in memory."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._tree: Tree | None = None
        self._turn = asyncio.Lock()  # the API and the schedule of one process share the tree

    async def make(self, conn: Connection, signers: keys.Signers) -> Checkpoint | None:
        """The last checkpoint, made now if the log moved; None for an empty log. Raises HistoryDamaged."""
        if await read.head(conn, self._partition) == 0:
            return None
        async with self._turn:
            try:
                async with conn.transaction():
                    await conn.execute(_ONE_MAKER, LOCK, self._partition)
                    return await self._make(conn, signers)
            except BaseException as error:
                self._tree = None  # its rows were not kept
                if isinstance(error, Gap):
                    raise HistoryDamaged(str(error)) from error
                raise

    async def _make(self, conn: Connection, signers: keys.Signers) -> Checkpoint:
        row = await conn.fetchrow(_HEAD, self._partition)
        assert row  # noqa: S101 - it was read a moment ago, and heads stay
        position, hash_ = row
        before = await last(conn, self._partition)
        if before and before.position == position and before.hash == hash_:
            return before
        await self._catch_up(conn, before)
        if before and position <= before.position:
            raise HistoryDamaged(f"partition {self._partition} ends at {position}, before its last checkpoint")
        assert self._tree  # noqa: S101 - caught up
        await extend(conn, self._partition, self._tree, position)
        root = self._tree.root()
        note = sign(Head(signers.origin(self._partition), position, root).text(), signers.keys)
        return _checkpoint(await conn.fetchrow(_KEEP, self._partition, position, hash_, root, note))

    async def _catch_up(self, conn: Connection, before: Checkpoint | None) -> None:
        """Another process may have made the last one."""
        if before is None or self._tree is None or self._tree.size > before.position:
            self._tree = await load(conn, self._partition, before.position if before else 0)
        elif self._tree.size < before.position:
            await extend(conn, self._partition, self._tree, before.position)
        if before and self._tree.root() != before.root:
            raise HistoryDamaged(f"partition {self._partition} is not what its last checkpoint signed")


async def last(conn: Connection, partition: int) -> Checkpoint | None:
    row = await conn.fetchrow(_LAST, partition)
    return _checkpoint(row) if row else None


async def after(conn: Connection, partition: int, position: int, limit: int) -> Sequence[Checkpoint]:
    """The next ones, oldest first."""
    return [_checkpoint(row) for row in await conn.fetch(_AFTER, partition, position, limit)]


def _checkpoint(row: asyncpg.Record | None) -> Checkpoint:
    assert row  # noqa: S101 - an insert gives its row
    return Checkpoint(**dict(row))
