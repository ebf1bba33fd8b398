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
from projections.waits.moment import Moment
from schemas.envelope import Recorded
from schemas.job import Job
from schemas.problems import Problem
from services.api.links import Links
from services.front.problems import refused
from services.private.vault import Vault
from services.waits.waits import Waits

PENDING_MAX = 5000  # jobs of one slow watcher; beyond, its stream ends and it begins again with a snapshot

Place = tuple[str, str]  # ("", job) or (tenant, owner)

log = structlog.get_logger()
_encoder = msgspec.json.Encoder()


class Screen:
    """A job's newest state, on its way to all who watch it."""

    __slots__ = ("_encoded", "_links", "at", "job", "moment", "partition")

    def __init__(self, job: Job, partition: int, at: datetime, moment: Moment, links: Links) -> None:
        self.job = job
        self.partition = partition
        self.at = at
        self.moment = moment
        self._links = links
        self._encoded: dict[str, bytes] = {}

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
        self._pending.pop(screen.job.id, None)
        self._pending[screen.job.id] = screen
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
        self, pool: Pool, tails: Sequence[Tail], links: Links, vault: Vault, waits: Waits, *, watchers_max: int
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._waits = waits
        self._links = links
        self._watchers_max = watchers_max
        self._watched: dict[Place, set[Watcher]] = {}
        self._tenants: Counter[str] = Counter()  # watched owners
        self._count = 0
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
        if self._loading:
            self._loading.cancel()

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
        job = screen.job
        for place in (("", job.id), (job.tenant, job.owner)):
            for watcher in self._watched.get(place, ()):
                watcher.put(screen)
