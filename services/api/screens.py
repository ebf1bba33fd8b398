"""Who watches which job: a change of a watched job is loaded once, encoded once a language, and left for its watchers.

A watcher keeps only the newest state of each job (a slow reader skips what is no longer true), so memory is bounded by
what is watched, never by how much happens.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec
import structlog

from eventstore.postgres import AWAY, Connection, Pool, pauses
from eventstore.tail import Tail
from projections.status.read import database_now, read_changed
from projections.status.view import render
from projections.waits.moment import STATED_EVERY_S, Moment, look, news
from projections.waits.words import moment_view
from schemas.commands import Command, StateEstimate
from schemas.envelope import SYSTEM, Cause, Recorded
from schemas.ids import uuid7
from schemas.job import Job
from schemas.problems import Problem
from schemas.states import LIVELY, WAITING
from services.api.links import Links
from services.front.problems import refused
from services.jobs.handler import Unavailable
from services.jobs.service import JobService
from services.private.vault import Vault
from services.waits.waits import Waits

SHOWING_MAX = 20_000  # jobs on screens whose moment is followed; others are told with their next version
MOMENTS_EVERY_S = 1.0
SLICE = 50  # jobs looked at before the loop is let go
PENDING_MAX = 5000  # jobs of one slow watcher; beyond, its stream ends and it begins again with a snapshot

Place = tuple[str, str]  # ("", job) or (tenant, owner)

log = structlog.get_logger()
_encoder = msgspec.json.Encoder()


class Screen:
    """A job's newest state, on its way to all who watch it."""

    __slots__ = ("_encoded", "_encoded_moment", "_links", "at", "job", "moment", "moves", "partition")

    def __init__(
        self, job: Job, partition: int, at: datetime, moment: Moment, links: Links, *, moves: bool = False
    ) -> None:
        self.job = job
        self.partition = partition
        self.at = at
        self.moment = moment
        self.moves = moves  # only the moment is new
        self._links = links
        self._encoded: dict[str, bytes] = {}
        self._encoded_moment: dict[str, bytes] = {}

    def moved(self, at: datetime, moment: Moment) -> "Screen":
        """The same version at a later moment."""
        return Screen(self.job, self.partition, at, moment, self._links, moves=True)

    def encoded_moment(self, language: str) -> bytes:
        """What is of the moment alone, for who has the rest."""
        found = self._encoded_moment.get(language)
        if found is None:
            found = _encoder.encode(moment_view(self.job, self.moment, language, self.at))
            self._encoded_moment[language] = found
        return found

    def encoded(self, language: str) -> bytes:
        """The view's JSON, made once for all watchers of a language."""
        found = self._encoded.get(language)
        if found is None:
            sign = partial(self._links.sign, self.job.tenant)
            found = _encoder.encode(render(self.job, language, sign=sign, as_of=self.at, now=self.moment))
            self._encoded[language] = found
        return found


class Watcher:
    """One stream or long poll: the newest unread state of each job it watches. Closed by who opened it."""

    def __init__(self, leave: Callable[["Watcher"], None]) -> None:
        self._leave = leave
        self._pending: dict[str, Screen] = {}
        self._stirred = asyncio.Event()
        self.ended = False

    def put(self, screen: Screen) -> None:
        before = self._pending.pop(screen.job.id, None)
        self._pending[screen.job.id] = before if before and before.job.version > screen.job.version else screen
        if len(self._pending) > PENDING_MAX:
            self.end()
        self._stirred.set()

    def end(self) -> None:
        """No more will come: the process goes down, or the watcher is too slow."""
        self.ended = True
        self._stirred.set()

    def close(self) -> None:
        self._leave(self)

    async def take(self, wait_s: float) -> list[Screen]:
        """What is new, as soon as there is something; nothing after `wait_s` seconds or at the end."""
        try:
            async with asyncio.timeout(wait_s):
                await self._stirred.wait()
        except TimeoutError:
            return []
        pending, self._pending = self._pending, {}
        if not self.ended:
            self._stirred.clear()
        return list(pending.values())


class Screens:
    """All watchers of one process, fed by the tails."""

    def __init__(
        self,
        pool: Pool,
        jobs: JobService,
        tails: Sequence[Tail],
        links: Links,
        vault: Vault,
        waits: Waits,
        *,
        watchers_max: int,
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._vault = vault
        self._waits = waits
        self._links = links
        self._watchers_max = watchers_max
        self._watched: dict[Place, set[Watcher]] = {}
        self._tenants: Counter[str] = Counter()  # watched owners
        self._count = 0
        self._showing: dict[str, Screen] = {}  # what is on them now, of jobs whose moment may change
        self._telling: asyncio.Task[None] | None = None
        self._stated: dict[str, datetime] = {}  # when what is on a screen was last sent to be put on record
        self._changed: dict[int, dict[str, None]] = {}
        self._loading: asyncio.Task[None] | None = None
        self._unsubscribe = [tail.subscribe(self._hear) for tail in tails]

    @property
    def count(self) -> int:
        return self._count

    async def shown(self, conn: Connection, partition: int, jobs: Sequence[Job], at: datetime) -> list[Screen]:
        """The jobs as their watchers see them, what is private readable."""
        revealed = await self._vault.revealed(conn, partition, jobs)
        return [Screen(job, partition, at, self._waits.moment(job, at), self._links) for job in revealed]

    def watch_job(self, job: str) -> Watcher:
        """Every change from here on: read the job after this, so that none is missed in between."""
        return self._enter(("", job))

    def watch_owner(self, tenant: str, owner: str) -> Watcher:
        """The same for all jobs of an owner, those included that come later."""
        return self._enter((tenant, owner))

    def _enter(self, place: Place) -> Watcher:
        if self._count >= self._watchers_max:
            raise refused(Problem.BUSY, limit=self._watchers_max, seconds=5)
        watcher = Watcher(partial(self._leave, place))
        self._watched.setdefault(place, set()).add(watcher)
        self._tenants[place[0]] += 1
        self._count += 1
        return watcher

    def _leave(self, place: Place, watcher: Watcher) -> None:
        watchers = self._watched.get(place, set())
        if watcher not in watchers:
            return
        watchers.remove(watcher)
        if not watchers:
            del self._watched[place]
        self._tenants[place[0]] -= 1
        if not self._tenants[place[0]]:
            del self._tenants[place[0]]
        self._count -= 1

    def close(self) -> None:
        """End every stream, so that the server can go down: clients come again elsewhere and lose nothing."""
        for watchers in self._watched.values():
            for watcher in watchers:
                watcher.end()

    def stop(self) -> None:
        """Hear no more of the tails."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for task in (self._loading, self._telling):
            if task:
                task.cancel()

    def _hear(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tails."""
        for event in recorded:
            if ("", event.stream) in self._watched or (event.tenant in self._tenants and ":" not in event.stream):
                self._changed.setdefault(event.partition, {})[event.stream] = None
        if self._changed and (self._loading is None or self._loading.done()):
            self._loading = asyncio.create_task(self._load_all())

    async def _load_all(self) -> None:
        """One query for all that changed meanwhile; loads follow one another, so versions only rise."""
        waits = pauses()
        while self._changed:
            changed, self._changed = self._changed, {}
            try:
                async with self._pool.acquire() as conn:
                    at = await database_now(conn)
                    for partition, jobs in changed.items():
                        changed_jobs = await read_changed(conn, partition, list(jobs))
                        for screen in await self.shown(conn, partition, changed_jobs, at):
                            self._deliver(screen)
            except AWAY as error:
                pause = next(waits)
                log.warning("live status waits for the database", error=repr(error), again_s=pause)
                for partition, jobs in changed.items():
                    self._changed.setdefault(partition, {}).update(jobs)
                await asyncio.sleep(pause)

    def _deliver(self, screen: Screen) -> None:
        self.keep([screen])
        for place in _places(screen.job):
            for watcher in self._watched.get(place, ()):
                watcher.put(screen)

    def keep(self, screens: Sequence[Screen]) -> None:
        """These are on somebody's screen from now on, who is told when only the moment changes."""
        for screen in screens:
            job, before = screen.job, self._showing.get(screen.job.id)
            if before and before.job.version > job.version:
                continue
            if job.phase in WAITING | LIVELY and (before or len(self._showing) < SHOWING_MAX):
                self._showing[job.id] = screen
                self._waits.show(job.id, screen.moment)
            else:
                self._drop(job.id)
        if self._showing and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._keep_telling())

    def _drop(self, job: str) -> None:
        self._showing.pop(job, None)
        self._stated.pop(job, None)
        self._waits.hide(job)

    async def _keep_telling(self) -> None:
        """While there are screens: the work goes by what is watched, never by how many wait, and leaves room."""
        loop = asyncio.get_running_loop()
        while self._showing:
            began = loop.time()
            try:
                async with self._pool.acquire() as conn:
                    at = await database_now(conn)
                await self._tell(at)
            except (*AWAY, Unavailable) as error:
                log.warning("waits on screens stand still, the database is away", error=repr(error))
            await asyncio.sleep(max(MOMENTS_EVERY_S, 2 * (loop.time() - began)))

    async def _tell(self, at: datetime) -> None:
        """Each watched job whose shown moment has changed; nothing else is sent."""
        statements: list[Command] = []
        for n, (job, screen) in enumerate(list(self._showing.items()), start=1):
            if n % SLICE == 0:
                await asyncio.sleep(0)
            if self._showing.get(job) is screen:  # else a newer version came meanwhile
                statements += self._told(screen, at)
        if statements:
            await self._jobs.do_all(statements)

    def _told(self, screen: Screen, at: datetime) -> list[Command]:
        """Answers what is to be put on record of it."""
        if not any(place in self._watched for place in _places(screen.job)):
            self._drop(screen.job.id)
            return []
        now = self._waits.moment(screen.job, at)
        if look(now) != look(screen.moment):
            screen = screen.moved(at, now)
            self._deliver(screen)
        return self._statement(screen, at)

    def _statement(self, screen: Screen, at: datetime) -> list[Command]:
        """What is shown goes on record where it is not what was last stated."""
        job, sent = screen.job, self._stated.get(screen.job.id)
        said = news(job, screen.moment, at)
        if said is None or (sent and (at - sent).total_seconds() < STATED_EVERY_S):
            return []
        self._stated[job.id] = at
        cause = Cause(actor=SYSTEM, causation_id=uuid7())
        return [StateEstimate(tenant=job.tenant, cause=cause, job=job.id, said=said)]


def _places(job: Job) -> tuple[Place, Place]:
    return ("", job.id), (job.tenant, job.owner)
