"""Waits in NATS: `tidings.v1.waits.<tenant>.<job>` is told when only the moment of a job has changed, and not kept.

Nobody tells us who listens, so the work is bounded instead: in each second so many open jobs are looked at, those at
work and the others in turn. What has not changed is not sent.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice

import msgspec
import structlog
from nats.aio.client import Client

from eventstore.ending import end_if_cancelled
from eventstore.jetstream import AWAY as NATS_AWAY
from eventstore.postgres import AWAY, Pool
from eventstore.remembered import forget_oldest
from projections.status.read import database_now, read_changed
from projections.waits.moment import Moment, look
from projections.waits.words import moment_view
from schemas import subjects
from schemas.job import Job
from schemas.messages import LANGUAGES
from schemas.states import LIVELY, WAITING
from services.waits.waits import Waits

log = structlog.get_logger()

EVERY_S = 1.0
WORKING_MAX = 100  # of those looked at in one second, at most so many at work
SLICE = 25  # of them before the loop is let go
TOLD_MAX = 100_000  # jobs whose last told moment is remembered

Look = tuple[object, ...]

_encoder = msgspec.json.Encoder()


class Moments:
    """One partition, while this process relays it. `jobs`: how many are looked at in a second; 0 tells nothing."""

    def __init__(self, pool: Pool, partition: int, waits: Waits, *, jobs: int) -> None:
        self._pool = pool
        self._partition = partition
        self._waits = waits
        self._jobs = jobs
        self._told: dict[str, tuple[int, Look]] = {}
        self._turn: Iterator[str] = iter(())

    def told(self, job: Job, now: Moment) -> None:
        """This stands in the job's status, so only what differs is news."""
        self._told.pop(job.id, None)
        if job.phase in WAITING | LIVELY:
            self._told[job.id] = job.version, look(now)
        forget_oldest(self._told, TOLD_MAX)

    async def run(self, client: Client) -> None:
        """Until cancelled."""
        while self._jobs:
            end_if_cancelled()
            try:
                await self._tell(client)
            except (*AWAY, *NATS_AWAY) as error:
                log.warning("waits are not told to NATS", partition=self._partition, error=repr(error))
            await asyncio.sleep(EVERY_S)

    async def _tell(self, client: Client) -> None:
        wanted = self._next()
        if not wanted:
            return
        async with self._pool.acquire() as conn:
            at = await database_now(conn)
            jobs = await read_changed(conn, self._partition, wanted)
        for n, job in enumerate(jobs, start=1):
            if n % SLICE == 0:
                await asyncio.sleep(0)
            version, before = self._told.get(job.id, (job.version, None))
            if version != job.version or job.phase not in WAITING | LIVELY:
                continue  # its status is on the way, and has all of it
            now = self._waits.moment(job, at)
            if look(now) != before:
                view = moment_view(job, now, LANGUAGES[0], at)
                await client.publish(subjects.waits(job.tenant, job.id), _encoder.encode(view))
                self.told(job, now)

    def _next(self) -> list[str]:
        """Some of those at work, and the next ones of those that wait: in the order of their lines, again and again."""
        places = self._waits.followers[self._partition].places
        working = list(islice(places.working(), min(WORKING_MAX, self._jobs)))
        rest = list(islice(self._turn, self._jobs - len(working)))
        if len(rest) < self._jobs - len(working):
            self._turn = iter(list(places.waiting()))
            rest += islice(self._turn, self._jobs - len(working) - len(rest))
        return list(dict.fromkeys(working + rest))
