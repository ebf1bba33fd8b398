"""A range of a partition's positions, checked on its own: what makes many ranges fast to check side by side.

A range begins with the hash that stands in the row before it, whose own range proves that hash. It answers what the
whole needs: the chain's hash at its end, and the subtrees of its leaves at its end and at each checkpoint inside. What
an archive holds is a range of its own, with the root over its lines. Why something does not hold is not asked here: the
walk over the whole partition tells.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256

from msgspec import Struct

from eventstore.archive import read as archived
from eventstore.archive.packed import Damaged
from eventstore.archive.read import Record
from eventstore.audit import rows
from eventstore.audit.merkle import Node, Stretch, Tree
from eventstore.audit.walk import Signed, difference
from eventstore.chain import START
from eventstore.postgres import Connection
from schemas.envelope import time_text

PART = 65_536  # events

# By the primary key.
_CHECK = """select position, line, hash, tenant, stream, version, type, recorded_at, actor
    from events where partition = $1 and position > $2 and position <= $3 order by position"""
_HASH = "select hash from events where partition = $1 and position = $2"

Progress = Callable[[int], None]


class Part(Struct, frozen=True):
    """The positions after one up to another. `marks`: those of checkpoints among them, in order."""

    partition: int
    after: int
    upto: int
    marks: tuple[int, ...] = ()
    record: Record | None = None  # of the archive that holds just these


class Mark(Struct, frozen=True):
    """Where a checkpoint stands: the chain's hash there, and the subtrees of the range's leaves so far."""

    position: int
    hash: bytes
    nodes: tuple[Node, ...]


class Held(Struct, frozen=True):
    """A range that is as it must be. `began`: the hash before it, taken on trust.

    Of an archive also `own`, by stream the newest line that is of no job: each of these is carried along.
    """

    part: Part
    began: bytes
    end: Mark
    marks: tuple[Mark, ...]
    own: dict[tuple[str, str], int] = {}


def split(partition: int, head: int, positions: Sequence[int], records: Sequence[Record] = ()) -> list[Part]:
    """The whole partition in ranges: archives, in order, then the table. `positions`: those of checkpoints."""
    upto = records[-1].last if records else 0
    ranges: list[tuple[int, int, Record | None]] = [(each.first - 1, each.last, each) for each in records]
    ranges += [(after, min(after + PART, head), None) for after in range(upto, head, PART)]
    marks = sorted(set(positions))
    return [
        Part(partition, after, end, tuple(marks[bisect_right(marks, after) : bisect_right(marks, end)]), record)
        for after, end, record in ranges
    ]


def joined(held: Sequence[Held], head: bytes, checkpoints: Sequence[Signed]) -> bool:
    """Whether the ranges, in order, make up one chain up to the head, and the trees that were signed."""
    hash_, tree = START, Tree()
    passed: dict[int, tuple[bytes, bytes]] = {}
    for each in held:
        record = each.part.record
        if each.began != hash_ or (record and (record.before, record.hash) != (each.began, each.end.hash)):
            return False
        for mark in each.marks:
            passed[mark.position] = mark.hash, _grown(tree, mark).root()
        hash_, tree = each.end.hash, _grown(tree, each.end)
    stands = hash_ == head
    return stands and all(
        passed[each.position][1] == each.root and each.hash in {None, passed[each.position][0]}
        for each in checkpoints
        if each.position > 0
    )


def _grown(tree: Tree, mark: Mark) -> Tree:
    """The whole's tree before a range, with the leaves of the range up to a mark."""
    grown = Tree(tree.size, tree.edge)
    for root, leaves in mark.nodes:
        grown.add_subtree(root, leaves)
    return grown


async def check_part(conn: Connection, part: Part, progress: Progress = lambda _: None) -> Held | None:
    """None: something in it is not as it was. Inside a transaction of the caller's; bounded in memory."""
    try:
        began = await _hash_at(conn, part)
        if began is None:
            return None
        check = _Check(part, began)
        if part.record:
            return await _check_archive(conn, part, part.record, check, progress)
    except Damaged:
        return None
    async with rows.ahead(await conn.cursor(_CHECK, part.partition, part.after, part.upto)) as pages:
        async for page in pages:
            if not check.take(page):
                return None
            progress(len(page))
    return check.held()


async def _check_archive(
    conn: Connection, part: Part, record: Record, check: "_Check", progress: Progress
) -> Held | None:
    """The lines, their record and the file around them. Raises Damaged."""
    await record.check_file(conn)
    async for page in rows.archives(conn, part.partition, part.after, part.upto):
        if not check.take(page):
            return None
        progress(len(page))
    return check.held() if check.root() == record.root else None


async def _hash_at(conn: Connection, part: Part) -> bytes | None:
    """The hash before a range. Raises Damaged."""
    if part.after == 0:
        return START
    old = await archived.page(conn, part.partition, part.after - 1, 1)
    found: bytes | None = old[0].hash if old else await conn.fetchval(_HASH, part.partition, part.after)
    return found


class _Check:
    """How far a range is in order."""

    def __init__(self, part: Part, began: bytes) -> None:
        self._part = part
        self._began = self._hash = began
        self._position = part.after
        self._stretch = Stretch(part.after)
        self._tree = Tree() if part.record else None  # over the archive's own lines
        self._own: dict[tuple[str, str], int] = {}
        self._marks = list(reversed(part.marks))
        self._passed: list[Mark] = []

    def take(self, page: rows.Page) -> bool:
        """False where the chain is broken, or a column does not say the same as its line.

        The one hot loop. A line's beginning is compared as it is nearly always written; decoding each would cost as
        much as all the rest. What is written otherwise is decoded. Neighbours often share their time and actor.
        """
        position, hash_, prefix = self._position, self._hash, f'","partition":{self._part.partition},"position":'
        digests: list[bytes] = []
        last: tuple[object, ...] = ()
        tail = b""
        for row in page:
            at, line, stored, tenant, stream, version, kind, recorded_at, actor = row
            position += 1
            digest = sha256(line).digest()
            hash_ = sha256(hash_ + digest).digest()
            if at != position or hash_ != stored:
                return False
            digests.append(digest)
            if last != (recorded_at, actor):
                last, tail = (recorded_at, actor), _tail(recorded_at, actor)
            head = (
                f'{{"tenant":"{tenant}{prefix}{at},"stream":"{stream}","version":{version},"type":"{kind}","schema":'
            ).encode()
            if line.startswith(head) and line.startswith(tail, len(head) + 1):
                continue
            if difference(self._part.partition, row):
                return False
        if self._tree:
            self._tree.extend(digests)
            self._own |= {(row["tenant"], row["stream"]): row["version"] for row in page if ":" in row["stream"]}
        self._grow(page, digests)
        self._position, self._hash = position, hash_
        return True

    def _grow(self, page: rows.Page, digests: Sequence[bytes]) -> None:
        """The tree, with a stop at each checkpoint."""
        done = 0
        while self._marks and self._marks[-1] <= self._position + len(page):
            upto = self._marks.pop() - self._position
            self._stretch.extend(digests[done:upto])
            done = upto
            self._passed.append(self._mark(self._position + upto, page[upto - 1]["hash"]))
        self._stretch.extend(digests[done:])

    def _mark(self, position: int, hash_: bytes) -> Mark:
        return Mark(position, hash_, tuple(self._stretch.nodes))

    def root(self) -> bytes | None:
        return self._tree.root() if self._tree else None

    def held(self) -> Held | None:
        if self._position != self._part.upto:
            return None
        return Held(self._part, self._began, self._mark(self._position, self._hash), tuple(self._passed), self._own)


def _tail(recorded_at: datetime, actor: str) -> bytes:
    """What follows the schema's one digit, in a line that says the same."""
    kind, _, id_ = actor.partition(":")
    return f',"recorded_at":"{time_text(recorded_at)}","actor":{{"kind":"{kind}","id":"{id_}"}},'.encode()
