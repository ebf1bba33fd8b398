"""The orchestrator: tells the job service whom time alone may have changed, at that moment and not before.

It sleeps until the earliest due moment of a job or a lease, is woken by appends, and looks once in `net_s` seconds as
the net. Several may run: what is due is decided under the head's lock, so the second one finds nothing to do.

Of jobs that were queued at once by the ten thousand, all have waited for long at once. They are told page by page, with
rests between that are longer the busier this process is, and what else is due never stands behind them: 30,000 told in
one go took most of the service for ten seconds (docs/performance.md).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from importlib.resources import files
from uuid import UUID

import structlog
from msgspec import Struct

from eventstore.postgres import AWAY, Pool, pauses
from eventstore.tail import Tail
from projections.status.due import DELAYED_AFTER_S
from schemas.commands import TimeCame
from schemas.envelope import SYSTEM, Cause
from schemas.ids import uuid7
from services.jobs.handler import Unavailable
from services.work.rests import Rests

log = structlog.get_logger()

PAGE = 256  # jobs told at once: at most one append's worth
WAITING_PAGE = 64  # of those that have waited for long
LOOK_MIN_S = 0.05  # between two looks, however often appends wake us
REMEMBERED_MAX = 10_000  # jobs that stay due; beyond, they are told at every look
PAUSE_FIRST_S, PAUSE_MAX_S = 1.0, 300.0  # before a job that stays due is told again
PURGE_EVERY_S = 60.0
PURGE_BATCH = 500

_NOW = "select clock_timestamp()"
_DUE = files("services.work").joinpath("timers_due.sql").read_text()
_WAITING = files("services.work").joinpath("timers_waiting.sql").read_text()
_NEXT = files("services.work").joinpath("timers_next.sql").read_text()
# By idempotency_at; rows that another orchestrator is deleting are left to it.
_PURGE = """with old as (
        select partition, tenant, call, key from idempotency
        where partition = $1 and at < clock_timestamp() - make_interval(secs => $2)
        order by at limit $3 for update skip locked
    ) delete from idempotency i using old
    where (i.partition, i.tenant, i.call, i.key) = (old.partition, old.tenant, old.call, old.key)"""

_BEFORE_ALL = datetime.min  # noqa: DTZ901 - Postgres' -infinity
_NO_JOB = UUID(int=0)


class Told(Struct):
    """A due job that was told. If it is still due for the same reason, telling it changed nothing."""

    due: datetime
    pause_s: float
    not_before: float  # of the loop's clock


class Timers:
    """`do` is the job service's handler."""

    def __init__(
        self,
        pool: Pool,
        do: Callable[[TimeCame], Awaitable[object]],
        tails: Mapping[int, Tail],
        *,
        idempotency_keep_s: float,
        net_s: float = 1.0,
        rests: Rests | None = None,
    ) -> None:
        self._pool = pool
        self._do = do
        self._tails = tails
        self._keep_s = idempotency_keep_s
        self._net_s = net_s
        self._stir = asyncio.Event()
        self._told: dict[tuple[str, int], dict[UUID, Told]] = {}  # by the query and the partition
        self._rests = rests or Rests()  # between pages of jobs that have waited for long

    async def run(self) -> None:
        """Until cancelled; a database that is away is waited for."""
        unsubscribe = [tail.subscribe(lambda _: self._stir.set()) for tail in self._tails.values()]
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._through_outages(self._look))
                tasks.create_task(self._through_outages(self._purge_and_rest))
        finally:
            for stop in unsubscribe:
                stop()

    async def _through_outages(self, step: Callable[[], Awaitable[None]]) -> None:
        waits = pauses()
        while True:
            try:
                await step()
                waits = pauses()
            except (*AWAY, Unavailable) as error:
                pause = next(waits)
                log.warning("the orchestrator waits for the database", error=repr(error), again_s=pause)
                await asyncio.sleep(pause)

    async def _look(self) -> None:
        """Tell every due job, then sleep until the next one is due."""
        self._stir.clear()
        now = await self.tell()
        next_s: float | None = await self._pool.fetchval(_NEXT, list(self._tails), now, DELAYED_AFTER_S)
        sleep_s = self._net_s if next_s is None else min(self._net_s, next_s)
        if (rest_s := self._rests.left_s) is not None:
            sleep_s = min(sleep_s, rest_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(sleep_s, LOOK_MIN_S)):
                await self._stir.wait()
                await asyncio.sleep(LOOK_MIN_S)  # many appends are one look, and the job's claim comes first

    async def tell(self) -> datetime:
        """Tell all jobs that are due now, but a page of those that have waited for long. Answers when that was."""
        now: datetime = await self._pool.fetchval(_NOW)
        for partition in self._tails:
            await self._tell(_DUE, partition, now, PAGE)
        await self._tell_waiting(now)
        return now

    async def _tell_waiting(self, now: datetime) -> None:
        if (self._rests.left_s or 0.0) > 0:
            return
        self._rests.begin()
        full = False
        for partition in self._tails:
            full |= await self._tell(_WAITING, partition, now, WAITING_PAGE, DELAYED_AFTER_S, once=True)
        self._rests.end(more=full)

    async def _tell(self, sql: str, partition: int, now: datetime, size: int, *more: float, once: bool = False) -> bool:
        """Page through what is due, so that jobs which stay due never hide the ones behind them.

        `once`: no further than the first page of which any was told. Answers whether more may be due.
        """
        before = self._told.get((sql, partition), {})
        told: dict[UUID, Told] = {}
        end: tuple[datetime, UUID] = (_BEFORE_ALL, _NO_JOB)
        full = True
        while full:
            rows = await self._pool.fetch(sql, partition, now, *end, size, *more)
            full = len(rows) == size
            due = {row["job"]: row["tenant"] for row in rows if _may_tell(row["job"], row["due"], before, told)}
            await asyncio.gather(*(self._tell_one(tenant, job) for job, tenant in due.items()))
            if due and once:
                break
            if rows:
                end = rows[-1]["due"], rows[-1]["job"]
        self._told[sql, partition] = told
        return full

    async def _tell_one(self, tenant: str, job: UUID) -> None:
        try:
            await self._do(_time_came(tenant, job))
        except Unavailable:
            raise
        except Exception:
            log.exception("a job's time could not be told", job=str(job))  # it stays due, and its neighbours go on

    async def _purge_and_rest(self) -> None:
        await self.purge()
        await asyncio.sleep(PURGE_EVERY_S)

    async def purge(self) -> None:
        """Forget Idempotency-Keys that are older than their promise, a few at a time."""
        for partition in self._tails:
            gone = PURGE_BATCH
            while gone == PURGE_BATCH:
                told = await self._pool.execute(_PURGE, partition, self._keep_s, PURGE_BATCH)
                gone = int(told.split()[-1])


def _may_tell(job: UUID, due: datetime, told_before: dict[UUID, Told], told: dict[UUID, Told]) -> bool:
    """Not again so soon, where telling it changed nothing. `told`: what is remembered for the next look."""
    loop_time = asyncio.get_running_loop().time()
    before = told_before.get(job)
    if before is None or before.due != due:
        entry = Told(due, 0.0, loop_time)
    elif loop_time < before.not_before:
        entry = before
    else:
        pause_s = min(max(before.pause_s * 2, PAUSE_FIRST_S), PAUSE_MAX_S)
        entry = Told(due, pause_s, loop_time + pause_s)
        log.warning("a job stays due although its time was told", job=str(job), due=str(due), again_s=pause_s)
    if len(told) < REMEMBERED_MAX:
        told[job] = entry
    return entry is not before


def _time_came(tenant: str, job: UUID) -> TimeCame:
    return TimeCame(tenant=tenant, job=str(job), cause=Cause(actor=SYSTEM, causation_id=uuid7()))
