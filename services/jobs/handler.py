"""Group commit: what arrived while the last append ran is the next one. An idle service waits for nobody.

One `Appender` for each partition and process, and any number of processes is safe. One append is two round trips
whatever its size: load, and a write that holds only while the head stands as it was loaded (optimistic concurrency
control: H. T. Kung, J. T. Robinson, ACM TODS 6(2), 1981). Who meets another process at the head, or needs more than one
statement to write, locks it first: lock, load, write, commit. A command that fails never fails its neighbours.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from types import MappingProxyType

import asyncpg
import structlog

from eventstore.append import APPEND_PARAMS, APPEND_SQL, Batch, renumber
from eventstore.crash_points import crash_point
from eventstore.postgres import AWAY, NOTICE_GONE, pauses
from eventstore.private.files import destroy
from projections.apply import APPLY_PARAMS, APPLY_SQL
from schemas.commands import ClaimJobs, Command, DefineType, ErasePerson, Outcome
from schemas.jobtypes import Definition
from schemas.problems import Problem, Rejection
from services.jobs.assign import complete
from services.jobs.estimates import UNSAID, Estimates
from services.jobs.needs import Needs
from services.jobs.obey import Answer, obey
from services.jobs.working import Working, claimed, load
from services.private.hide import concerns
from services.private.named import refusals, uses
from services.private.vault import Vault

log = structlog.get_logger()

LOAD_SQL = files("services.jobs").joinpath("load.sql").read_text()
_SETTLE_SQL = files("services.jobs").joinpath("settle.sql").read_text()
WRITE_SQL = (  # fixed text from our own files, nothing of a caller's
    "with "  # noqa: S608
    + APPEND_SQL
    + ", "
    + renumber(APPLY_SQL, APPEND_PARAMS)
    + ", "
    + renumber(_SETTLE_SQL, APPEND_PARAMS + APPLY_PARAMS)
    + " select 1 / count(*) from move_head"  # the head is moved first; where it was moved by another, all of it fails
)
MOVED = asyncpg.DivisionByZeroError
CROWDED_S = 1.0  # after another process was quicker, the head is locked for so long: its losers would do all twice
# One message: a lock taken in a statement of its own, so that the load's snapshot begins after it.
_LOCK = "begin; select 1 from heads where partition = %d for update"
_PLAN_ANEW = "discard plans"
PLAN_MAX_S = 10.0  # and whenever the log has doubled

# Both statements only look up rows by their keys, so one plan is right for every batch, while the tables are about as
# big as they were when it was made. Planning anew costs PostgreSQL as much as running them: docs/performance.md.
PLAN_KEPT = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}

Published = Callable[[Batch], None]
Waiting = list[tuple[Command, asyncio.Future[Answer]]]


class Unavailable(Exception):
    """The database is away. Whether the command was saved is not known: sent again with its key, it counts once."""


class Appender:
    """The appends of one partition by this process. `published` is called after each commit, in order."""

    def __init__(
        self,
        dsn: str,
        partition: int,
        published: Published,
        *,
        vault: Vault,
        batch_max: int = 512,
        queue_max: int = 8192,
        estimates: Estimates = UNSAID,
    ) -> None:
        self._dsn = dsn
        self._vault = vault
        self._partition = partition
        self._published = published
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._estimates = estimates
        self._queue: deque[tuple[Command, asyncio.Future[Answer]]] = deque()
        self._arrived = asyncio.Event()
        self._conn: asyncpg.Connection | None = None
        self._types: dict[tuple[str, str], tuple[int, Definition]] = {}
        self._retry_at = 0.0
        self._pauses = pauses()
        self._head = 0
        self._crowded_until = 0.0  # by the loop's time
        self._planned = 0, 0.0  # the log's end and the loop's time when the plans were made

    def put(self, command: Command) -> asyncio.Future[Answer]:
        """Queue a command. Its future gives an Outcome or a Rejection, or raises Unavailable."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if len(self._queue) >= self._queue_max:
            future.set_result(Rejection(Problem.BUSY))
        else:
            self._queue.append((command, future))
            self._arrived.set()
        return future

    async def run(self) -> None:
        """Until cancelled; what is queued then is told that it was not saved."""
        try:
            while True:
                await self._arrived.wait()
                batch = self._next_batch()
                if not self._queue:
                    self._arrived.clear()
                await self._serve(batch)
        finally:
            _fail(self._queue, Unavailable())
            if self._conn:
                self._conn.terminate()

    def _next_batch(self) -> Waiting:
        """What follows a type's definition waits for the next one: what must be read depends on it. An erasure is
        alone: it takes the files that no job names, so it must not meet one that is being named. Claims come last, so
        that a job which arrives while a worker waits starts with the append that accepts it."""
        batch: Waiting = []
        while self._queue and len(batch) < self._batch_max:
            if batch and isinstance(self._queue[0][0], ErasePerson):
                break
            batch.append(self._queue.popleft())
            if isinstance(batch[-1][0], DefineType | ErasePerson):
                return batch
        batch.sort(key=lambda each: isinstance(each[0], ClaimJobs))
        return batch

    async def _serve(self, batch: Waiting) -> None:
        try:
            answers = await self._append([command for command, _ in batch])
        except AWAY as error:
            log.warning("append failed, the database is away", partition=self._partition, error=repr(error))
            self._drop()
            _fail(batch, Unavailable())
        except Exception as error:
            # A bug in one command, found only when all were read or written. Nothing was committed.
            self._drop()
            log.exception("append failed", partition=self._partition, commands=len(batch))
            if len(batch) == 1:
                _fail(batch, error)
            for each in batch if len(batch) > 1 else ():
                await self._serve([each])
        except BaseException:
            self._drop()
            _fail(batch, Unavailable())  # the process is ending, nobody waits for ever
            raise
        else:
            await self._answer(batch, answers)

    async def _append(self, commands: list[Command]) -> list[Answer | Exception]:
        conn = await self._connected()
        if self._outgrown():
            await conn.execute(_PLAN_ANEW)
        now = asyncio.get_running_loop().time()
        if now >= self._crowded_until:
            try:
                answers = await self._append_unlocked(conn, commands)
            except MOVED:
                self._crowded_until = now + CROWDED_S
            else:
                if answers is not None:
                    return answers
        return await self._append_locked(conn, commands)

    async def _append_unlocked(
        self, conn: asyncpg.Connection, commands: list[Command]
    ) -> list[Answer | Exception] | None:
        """None where more than one statement has to write. Raises MOVED, with nothing written."""
        work = await self._load(conn, commands)
        if concerns(work, commands):
            return None
        answers = self._decided(work, commands)
        if not work.changed:
            return answers
        if uses(commands, answers):
            return None
        crash_point("append.before_commit")
        await self._write(conn, work)
        self._told(work)
        return answers

    async def _append_locked(
        self, conn: asyncpg.Connection, given: list[Command], refused: Mapping[int, Rejection] = MappingProxyType({})
    ) -> list[Answer | Exception]:
        """`refused`: commands of `given` that name files which are gone, with their answers."""
        commands = given
        await conn.execute(_LOCK % self._partition)
        work = await self._load(conn, commands)
        if concerns(work, commands):  # what is private is encrypted before anything is decided
            commands = await self._vault.hide(conn, work, commands)
            work = await self._load(conn, commands)
        answers = self._decided(work, commands, refused)
        if not work.changed:
            await conn.execute("rollback")
            return answers
        if (named := uses(commands, answers)) and (gone := await self._vault.name(conn, self._partition, named)):
            await conn.execute("rollback")
            return await self._append_locked(conn, given, {**refused, **refusals(commands, answers, gone)})
        for tenant, owner, files_ in work.erased:
            await destroy(conn, self._partition, tenant, owner, files_)
        await self._write(conn, work)
        crash_point("append.before_commit")
        await conn.execute("commit")
        self._told(work)
        return answers

    def _decided(
        self, work: Working, commands: list[Command], refused: Mapping[int, Rejection] = MappingProxyType({})
    ) -> list[Answer | Exception]:
        self._head = work.batch.head
        work.estimates = self._estimates
        answers = [refused.get(n) or self._obeyed(work, command) for n, command in enumerate(commands)]
        self._estimates.over()
        return answers

    async def _write(self, conn: asyncpg.Connection, work: Working) -> None:
        params = [*work.batch.params(), *work.changes.params(self._partition), *work.settle_params()]
        await conn.fetchval(WRITE_SQL, *params)

    def _told(self, work: Working) -> None:
        crash_point("append.after_commit")
        if work.batch.recorded:
            self._published(work.batch)

    def _outgrown(self) -> bool:
        head, at = self._planned
        now = asyncio.get_running_loop().time()
        if self._head < 2 * head + 64 and now < at + PLAN_MAX_S:
            return False
        self._planned = self._head, now
        return True

    async def _answer(self, batch: Waiting, answers: list[Answer | Exception]) -> None:
        try:
            answers = await self._completed(answers)
        except AWAY as error:
            # What was claimed is saved all the same: with its key, the claim said again gives it.
            log.warning("claims can't be answered, the database is away", partition=self._partition, error=repr(error))
            self._drop()
            answers = [Unavailable() if _claims(answer) else answer for answer in answers]
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _load(self, conn: asyncpg.Connection, commands: list[Command]) -> Working:
        """The working set. Read again only where what was read names more: a type defined anew, a claim said again."""
        more: set[str] = set()
        while True:
            needs = Needs.of(commands, self._types, more)
            work = load(self._partition, await conn.fetch(LOAD_SQL, self._partition, *needs.params()))
            stale = any(work.types.get(name) != self._types.get(name) for name in needs.digested)
            self._remember(needs, work)
            more = {job for first in work.keys.values() for job, _, _ in claimed(first)}
            if not stale and more <= needs.jobs:
                work.digests = needs.digests
                return work

    def _remember(self, needs: Needs, work: Working) -> None:
        for name in needs.types:
            self._types.pop(name, None)
            if name in work.types:
                self._types[name] = work.types[name]

    def _obeyed(self, work: Working, command: Command) -> Answer | Exception:
        try:
            return obey(work, command)
        except Exception as error:
            # A bug in one command: its caller gets a 500, its neighbours are carried out.
            log.exception("command failed", command=type(command).__name__, partition=self._partition)
            return error

    async def _completed(self, answers: list[Answer | Exception]) -> list[Answer | Exception]:
        if not any(_claims(answer) for answer in answers):
            return answers
        conn = await self._connected()
        return await self._vault.filled(conn, self._partition, await complete(conn, self._partition, answers))

    async def _connected(self) -> asyncpg.Connection:
        if self._conn is None or self._conn.is_closed():
            loop = asyncio.get_running_loop()
            if loop.time() < self._retry_at:
                raise ConnectionError("still waiting for the database")
            self._retry_at = loop.time() + next(self._pauses)
            self._conn = await asyncpg.connect(
                self._dsn,
                server_settings={"application_name": "tidings-append", "timezone": "UTC", **PLAN_KEPT, **NOTICE_GONE},
            )
            self._pauses = pauses()
            self._retry_at = 0.0
        return self._conn

    def _drop(self) -> None:
        if self._conn:
            self._conn.terminate()
            self._conn = None


def _claims(answer: Answer | Exception) -> bool:
    return isinstance(answer, Outcome) and bool(answer.assignments)


def _fail(batch: Iterable[tuple[Command, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
