"""The inline projections, built from the log by the very same fold and apply as the append's.

Where the rows go is the caller's choice: the tables that come first in the connection's search path. Many events make
one statement, and the jobs that run on stay in memory between two of them: what an event costs is its fold.
"""

import re
from collections.abc import Callable, Iterable
from importlib.resources import files

from eventstore import read
from eventstore.postgres import Connection
from projections.apply import APPLY_ALONE_SQL, Changes
from projections.status.fold import fold, is_active
from projections.status.read import read_changed
from schemas.envelope import Recorded, decode
from schemas.events import JobRequested, JobTypeDefined
from schemas.job import Job

TABLES_SQL = files("projections").joinpath("tables.sql").read_text()
_INDEX = re.compile(r"^create index .*?;$", re.MULTILINE | re.DOTALL)
BARE_SQL, INDEXES_SQL = _INDEX.sub("", TABLES_SQL), "\n".join(_INDEX.findall(TABLES_SQL))

ANALYZE_SQL = "analyze jobs, queue, dedupe, items, types"

BATCH_EVENTS = 10_000  # that make one statement
BATCH_BYTES = 16 * 1024 * 1024
PAGE_BYTES = 4 * 1024 * 1024
KEPT_JOBS = 20_000  # that are not ended; others are read again when they go on


Refuse = Callable[[Recorded, ValueError], None]
Seen = Callable[[int], None]


async def build(
    conn: Connection,
    partition: int,
    after: int,
    upto: int,
    *,
    page: int = read.PAGE,
    refuse: Refuse | None = None,
    seen: Seen | None = None,
) -> int:
    """Apply the events after one position up to another, bounded in memory. Answers how many they were.

    `page`: events read at once. `refuse` is told of an event that the fold can't take, and its job stays as it is;
    without it, that ends the build. `seen` is told how many events came. Raises ValueError where the log ends before.
    """
    batch, position, size = _Batch(conn, partition, refuse), after, min(page, 100)
    while position < upto:
        lines = await read.read_lines(conn, partition, position, min(size, upto - position))
        if not lines:
            raise ValueError(f"partition {partition} ends at position {position}, before its head {upto}")
        position += len(lines)
        length = sum(map(len, lines))
        await batch.add([decode(line) for line in lines], length)
        if seen:
            seen(len(lines))
        size = max(1, min(page, PAGE_BYTES * len(lines) // length))
    await batch.apply()
    return position - after


class _Batch:
    """What is gathered for the next statement, and the jobs as they stand after it."""

    def __init__(self, conn: Connection, partition: int, refuse: Refuse | None) -> None:
        self._refuse = refuse
        self._conn = conn
        self._partition = partition
        self._jobs: dict[str, Job] = {}
        self._changes = Changes()
        self._events = 0
        self._bytes = 0
        self._applied = 0

    async def add(self, recorded: list[Recorded], length: int) -> None:
        """Events in the order of the log; `length` is their bytes."""
        unknown = {each.stream for each in recorded} - self._jobs.keys()
        self._jobs |= await load_jobs(self._conn, self._partition, recorded, unknown)
        for each in recorded:
            if isinstance(each.data, JobTypeDefined):
                self._changes.see_type(each, each.data)
            elif each.stream in self._jobs or isinstance(each.data, JobRequested):
                self._take(each)
        self._events += len(recorded)
        self._bytes += length
        if self._events >= BATCH_EVENTS or self._bytes >= BATCH_BYTES:
            await self.apply()
            await self._analyze()

    def _take(self, recorded: Recorded) -> None:
        before = self._jobs.get(recorded.stream)
        try:
            after = fold(before, recorded)
        except ValueError as error:
            if self._refuse is None:
                raise
            self._refuse(recorded, error)
            return
        self._jobs[recorded.stream] = after
        self._changes.see(before, recorded, after)

    async def apply(self) -> None:
        await self._conn.execute(APPLY_ALONE_SQL, *self._changes.params(self._partition))
        self._changes, self._events, self._bytes = Changes(), 0, 0
        going_on = [(name, job) for name, job in self._jobs.items() if is_active(job)]
        self._jobs = dict(going_on[-KEPT_JOBS:])

    async def _analyze(self) -> None:
        """Each time the tables have doubled: a plan made for empty ones would read all of them for every batch."""
        self._applied += 1
        if self._applied.bit_count() == 1:
            await self._conn.execute(ANALYZE_SQL)


async def load_jobs(
    conn: Connection, partition: int, recorded: list[Recorded], among: Iterable[str] | None = None
) -> dict[str, Job]:
    """The jobs of these events that began before them. `among`: only those of these streams."""
    begun = {each.stream for each in recorded if isinstance(each.data, JobRequested)}
    streams = {each.stream for each in recorded} if among is None else set(among)
    older = {stream for stream in streams if ":" not in stream} - begun
    if not older:
        return {}
    return {job.id: job for job in await read_changed(conn, partition, sorted(older))}
