"""Claims that wait: a worker that finds nothing is woken, first come first served, when a job of its types is ready.

One waiter for each job that became ready. A job that comes to this process is claimed for the first of them in the
append that accepts it; else the tail wakes it within milliseconds, and one look at the queue every `net_s` seconds, for
all waiters of the process, should a wake-up get lost.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import chain
from uuid import UUID

import msgspec
import structlog

from eventstore.postgres import AWAY, Pool
from eventstore.tail import Tail
from schemas import events as e
from schemas.commands import Assignment, ClaimJobs, Outcome, ReportWork, SubmitJob
from schemas.envelope import Recorded
from schemas.problems import Problem, Rejection
from schemas.requests import Release
from services.jobs.handler import Unavailable
from services.jobs.obey import Answer
from services.jobs.service import JobService
from services.waits.workers import EVERYONE, Workers

log = structlog.get_logger()

WAITING_MAX = 10_000  # workers waiting in one process; beyond, they are told to come again

_TYPES = files("services.work").joinpath("waiting_types.sql").read_text()
_LOOK = files("services.work").joinpath("waiting_look.sql").read_text()
_TENANTS = files("services.work").joinpath("waiting_tenants.sql").read_text()
TENANTS_MAX = 256  # of a partition, that one claim for everyone chooses from; the next claim begins behind them

Kind = tuple[str, str]  # tenant, type


class Waiter:
    """One worker's claim. `stirred`: a job may be there for it, since its last look. `handed`: a claim made for it."""

    __slots__ = ("claiming", "command", "handed", "kinds", "stirred")

    def __init__(self, command: ClaimJobs) -> None:
        self.command = command
        self.handed: asyncio.Future[Answer] | None = None
        whose = EVERYONE if command.everyone else command.tenant
        self.kinds = [(whose, name) for name in dict.fromkeys(command.types)]
        self.stirred = asyncio.Event()
        self.claiming = False

    async def stirs_by(self, deadline: float) -> bool:
        """Only the sleep is ended by time, never a claim on its way: its jobs would be lost until their leases end."""
        try:
            async with asyncio.timeout_at(deadline):
                await self.stirred.wait()
        except TimeoutError:
            return self.stirred.is_set()
        return True


class WaitingClaims:
    """All claims of one process."""

    def __init__(self, jobs: JobService, pool: Pool, tails: Sequence[Tail], workers: Workers, *, net_s: float) -> None:
        self._jobs = jobs
        self._workers = workers
        self._pool = pool
        self._net_s = net_s
        self._partitions = [tail.partition for tail in tails]
        self._waiters: dict[Kind, dict[Waiter, None]] = {}
        self._count = 0
        self._unknown: dict[int, list[str]] = {}  # jobs that stirred and whose type no event at hand tells
        self._tasks: set[asyncio.Task[None]] = set()
        self._net: asyncio.Task[None] | None = None
        self._unsubscribe = [tail.subscribe(self._hear) for tail in tails]
        jobs.on_submit = self._meet
        self._closed = False
        self._after = ""  # the tenant behind which the next claim for everyone begins
        self._turn = 0  # of the partitions, for the same

    @property
    def count(self) -> int:
        return self._count

    async def claim(self, command: ClaimJobs, wait_s: float, gone: asyncio.Future[None]) -> Outcome | Rejection:
        """At once where a job is ready, else as soon as one is, else after `wait_s` with none.

        `gone` is done when nobody waits for the answer any more; jobs claimed all the same are given back.
        """
        whose = EVERYONE if command.everyone else command.tenant
        self._workers.asks(whose, command.worker, command.types)
        try:
            outcome = await self._claim(command, wait_s, gone)
        finally:
            (self._workers.leaves if gone.done() else self._workers.rests)(whose, command.worker)
        if isinstance(outcome, Outcome) and outcome.assignments and gone.done():
            await self.give_back(command, outcome.assignments)
        return outcome

    async def _claim(self, command: ClaimJobs, wait_s: float, gone: asyncio.Future[None]) -> Outcome | Rejection:
        if wait_s <= 0:
            return await self._take(command)
        if self._count >= WAITING_MAX:
            return Rejection(Problem.BUSY, {"limit": WAITING_MAX, "seconds": 1})
        waiter = Waiter(command)
        gone.add_done_callback(lambda _: waiter.stirred.set())
        self._enter(waiter)
        deadline = asyncio.get_running_loop().time() + wait_s
        try:
            outcome = await self._look(waiter, command)
            while not _found(outcome) and await waiter.stirs_by(deadline) and not (gone.done() or self._closed):
                outcome = await self._look(waiter, command)
            return await self._look(waiter, command) if waiter.handed else outcome
        finally:
            self._leave(waiter)

    async def _look(self, waiter: Waiter, command: ClaimJobs) -> Outcome | Rejection:
        waiter.stirred.clear()
        waiter.claiming = True
        handed, waiter.handed = waiter.handed, None
        try:
            return await handed if handed else await self._take(command)
        finally:
            waiter.claiming = False

    async def _take(self, command: ClaimJobs) -> Outcome | Rejection:
        if not command.everyone:
            return await self._jobs.do(command)
        for tenants in await self._ready(command.types):
            outcome = await self._jobs.do(msgspec.structs.replace(command, tenants=tenants))
            if _found(outcome):
                return outcome
        return await self._jobs.do(command)  # its own tenant's, if there are any by now

    async def _ready(self, types: Sequence[str]) -> list[tuple[str, ...]]:
        """The tenants that have ready jobs of these types, of one partition after the other. Raises Unavailable."""
        try:
            async with self._pool.acquire() as conn:
                rows = await conn.fetch(_TENANTS, self._partitions, list(types), TENANTS_MAX, self._after)
        except AWAY as error:
            raise Unavailable from error
        found = [tuple(row["tenants"]) for row in rows]
        full = [tenants[-1] for tenants in found if len(tenants) == TENANTS_MAX]
        self._after = f"{full[0]}\0" if full else ""
        self._turn = (self._turn + 1) % max(1, len(found))
        return found[self._turn :] + found[: self._turn]

    def _meet(self, job: SubmitJob) -> None:
        """A submit was queued: the first that waits for its kind claims in the same append, behind it."""
        kind = job.tenant, job.body.type
        waiting = chain(self._waiters.get(kind, ()), self._waiters.get((EVERYONE, kind[1]), ()))
        waiter = next((w for w in waiting if not w.claiming and not w.stirred.is_set()), None)
        if waiter and not (job.body.not_before or self._closed):
            tenants = (job.tenant,) if waiter.command.everyone else ()
            handed = self._jobs.put(msgspec.structs.replace(waiter.command, tenants=tenants))
            if handed.done():  # the queue is full: the tail wakes it
                return
            waiter.handed = handed
            waiter.claiming = True
            waiter.stirred.set()

    def close(self) -> None:
        """Answer every waiting claim with what there is, so that the server can go down."""
        self._closed = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.stirred.set()

    def stop(self) -> None:
        """Hear no more of the tails and of submits."""
        self._jobs.on_submit = lambda _: None
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for task in (self._net, *self._tasks):
            if task:
                task.cancel()

    async def give_back(self, command: ClaimJobs, assignments: Sequence[Assignment]) -> None:
        """Unharmed, as if they had not been claimed."""
        jobs = [assignment.job for assignment in assignments]
        cause = command.cause
        await self._jobs.do_all(
            [
                ReportWork(tenant=job.tenant, cause=cause, job=job.id, run=job.run, attempt=job.attempt, body=Release())
                for job in jobs
            ]
        )

    def _enter(self, waiter: Waiter) -> None:
        for kind in waiter.kinds:
            self._waiters.setdefault(kind, {})[waiter] = None
        self._count += 1
        if self._net is None or self._net.done():
            self._net = asyncio.create_task(self._keep_looking())

    def _leave(self, waiter: Waiter) -> None:
        """A stir that this waiter has not used goes on to the next one."""
        for kind in waiter.kinds:
            found = self._waiters[kind]
            del found[waiter]
            if not found:
                del self._waiters[kind]
        self._count -= 1
        if waiter.stirred.is_set():
            for kind in waiter.kinds:
                self._stir(kind)

    def _stir(self, kind: Kind, times: int = 1) -> None:
        """Wake the first that sleep; where all are at it already, they look once more."""
        waiters = list(self._waiters.get(kind, ()))
        if kind[0] != EVERYONE:
            waiters += self._waiters.get((EVERYONE, kind[1]), ())
        for waiter in [w for w in waiters if not w.claiming and not w.stirred.is_set()][:times]:
            waiter.stirred.set()
            times -= 1
        for waiter in [w for w in waiters if w.claiming and not w.stirred.is_set()][:times]:
            waiter.stirred.set()

    def _hear(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tails: a job that is ready, or an attempt that ended and so made room under a limit."""
        if not self._waiters:
            return
        types: dict[str, str] = {}
        ready: Counter[Kind] = Counter()
        for event in recorded:
            match event.data:
                case e.JobRequested():
                    types[event.stream] = event.data.type
                case e.JobQueued(waits=False) if event.stream in types:
                    ready[event.tenant, types[event.stream]] += 1
                case e.AttemptStarted() if event.stream in types:  # by the append that accepted it
                    ready[event.tenant, types[event.stream]] -= 1
                case e.JobQueued(waits=False) | e.JobFinished() | e.AttemptFailed() | e.AttemptLost():
                    self._ask(event)
                case e.AttemptReleased() | e.NeedsFix() | e.JobCanceled():
                    self._ask(event)
                case _:
                    pass
        self._stir_all(ready)

    def _ask(self, event: Recorded) -> None:
        """Find out whose type that was: one query for all that came together."""
        if not self._unknown:
            task = asyncio.create_task(self._stir_unknown())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._unknown.setdefault(event.partition, []).append(event.stream)

    async def _stir_unknown(self) -> None:
        unknown, self._unknown = self._unknown, {}
        try:
            async with self._pool.acquire() as conn:
                for partition, jobs in unknown.items():
                    rows = await conn.fetch(_TYPES, partition, [UUID(job) for job in jobs])
                    self._stir_all({(row["tenant"], row["type"]): row["jobs"] for row in rows})
        except AWAY as error:
            log.warning("waiting claims could not be woken; the next look does it", error=repr(error))

    async def _keep_looking(self) -> None:
        """While somebody waits."""
        while self._waiters:
            await asyncio.sleep(self._net_s)
            kinds = list(self._waiters)
            try:
                tenants, types = [tenant for tenant, _ in kinds], [name for _, name in kinds]
                async with self._pool.acquire() as conn:
                    rows = await conn.fetch(_LOOK, self._partitions, tenants, types)
                self._stir_all({(row["tenant"], row["type"]): row["jobs"] for row in rows})
                shared = [name for tenant, name in kinds if tenant == EVERYONE]
                if shared and await self._ready(shared):
                    self._stir_all(dict.fromkeys(((EVERYONE, name) for name in shared), WAITING_MAX))
            except AWAY as error:
                log.warning("the look for waiting claims failed", error=repr(error))

    def _stir_all(self, ready: Mapping[Kind, int]) -> None:
        for kind, jobs in ready.items():
            self._stir(kind, jobs)


def _found(outcome: Outcome | Rejection) -> bool:
    return isinstance(outcome, Rejection) or bool(outcome.assignments)
