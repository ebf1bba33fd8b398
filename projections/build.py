"""The inline projections, built from the log by the very same fold and apply as the append's.

Where the rows go is the caller's choice: the tables that come first in the connection's search path. Many events make
one statement, and the jobs that run on stay in memory between two of them: what an event costs is its fold. With a
second connection to read by, PostgreSQL writes one statement and reads the next page while this process folds.
"""

import asyncio
import contextlib
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
    reader: Connection | None = None,
    page: int = read.PAGE,
    refuse: Refuse | None = None,
    seen: Seen | None = None,
) -> int:
    """Apply the events after one position up to another, bounded in memory. Answers how many they were.

    `reader`: another connection, for the log alone; without it, what `conn` does is done in turns. `page`: events read
    at once. `refuse` is told of an event that the fold can't take, and its job stays as it is; without it, that ends
    the build. `seen` is told how many events came. Raises ValueError where the log ends before.
    """
    batch, position = _Batch(conn, partition, refuse), after
    async with contextlib.aclosing(batch), contextlib.aclosing(_Pages(reader, partition, after, upto, page)) as pages:
        while position < upto:
            if reader is None:
                await batch.written()
            lines = await pages.next(conn)
            if not lines:
                raise ValueError(f"partition {partition} ends at position {position}, before its head {upto}")
            position += len(lines)
            await batch.add([decode(line) for line in lines], sum(map(len, lines)))
            if seen:
                seen(len(lines))
        await batch.apply(last=True)
        await batch.written()
    return position - after


class _Pages:
    """The log page by page, each as long as its bytes allow. With a reader, the next one is on its way already."""

    def __init__(self, reader: Connection | None, partition: int, after: int, upto: int, most: int) -> None:
        self._reader = reader
        self._partition = partition
        self._after = after
        self._upto = upto
        self._most = most
        self._size = min(most, 100)
        self._reading: asyncio.Task[list[bytes]] | None = None

    async def next(self, conn: Connection) -> list[bytes]:
        lines = await (self._reading or self._read(self._reader or conn))
        self._reading = None
        if lines:
            self._after += len(lines)
            self._size = max(1, min(self._most, PAGE_BYTES * len(lines) // sum(map(len, lines))))
            if self._reader and self._after < self._upto:
                self._reading = asyncio.create_task(self._read(self._reader))
        return lines

    async def _read(self, conn: Connection) -> list[bytes]:
        return await read.read_lines(conn, self._partition, self._after, min(self._size, self._upto - self._after))

    async def aclose(self) -> None:
        await _ended(self._reading)


async def _ended(task: "asyncio.Task[object] | None") -> None:
    """Of a build that failed: what is under way is given up, and the connection free again."""
    if task and not task.done():
        task.cancel()
    if task:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen: the first one was told


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
        self._writing: asyncio.Task[None] | None = None

    async def written(self) -> None:
        """What was applied is in the tables, and the connection free."""
        if self._writing:
            await self._writing
            self._writing = None

    async def aclose(self) -> None:
        await _ended(self._writing)

    async def add(self, recorded: list[Recorded], length: int) -> None:
        """Events in the order of the log; `length` is their bytes."""
        unknown = begun_before(recorded) - self._jobs.keys()
        if unknown:
            await self.written()
            self._jobs |= await load_jobs(self._conn, self._partition, unknown)
        for each in recorded:
            if isinstance(each.data, JobTypeDefined):
                self._changes.see_type(each, each.data)
            elif each.stream in self._jobs or isinstance(each.data, JobRequested):
                self._take(each)
        self._events += len(recorded)
        self._bytes += length
        if self._events >= BATCH_EVENTS or self._bytes >= BATCH_BYTES:
            await self.apply()

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

    async def apply(self, *, last: bool = False) -> None:
        """Begin to write what was gathered, once what was gathered before it is written."""
        params = self._changes.params(self._partition)
        await self.written()
        self._writing = asyncio.create_task(self._write(params, last=last))
        self._changes, self._events, self._bytes = Changes(), 0, 0
        going_on = [(name, job) for name, job in self._jobs.items() if is_active(job)]
        self._jobs = dict(going_on[-KEPT_JOBS:])

    async def _write(self, params: list[object], *, last: bool) -> None:
        await self._conn.execute(APPLY_ALONE_SQL, *params)
        self._applied += 1
        # Each time the tables have doubled: a plan made for empty ones would read all of them for every batch.
        if self._applied.bit_count() == 1 and not last:
            await self._conn.execute(ANALYZE_SQL)


def begun_before(recorded: Iterable[Recorded]) -> set[str]:
    """The jobs of these events that began before them."""
    begun = {each.stream for each in recorded if isinstance(each.data, JobRequested)}
    return {each.stream for each in recorded if ":" not in each.stream} - begun


async def load_jobs(conn: Connection, partition: int, jobs: Iterable[str]) -> dict[str, Job]:
    """As they stand in the tables."""
    return {job.id: job for job in await read_changed(conn, partition, sorted(jobs))}
