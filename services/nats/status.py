"""The last status of each job in NATS, for whoever watches there.

It runs beside the relay, so for each partition in one process at a time, and follows the log with a checkpoint of its
own. But a lock can be lost unnoticed, so it guards nothing: every message names the sequence that its subject must
stand at, and is sent only above the version that stands there. What an outdated publisher still sends, JetStream
refuses. So a status never goes back, however many publish.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from uuid import uuid4

import msgspec
import structlog
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import APIError, NotFoundError

from eventstore import followers, jetstream, postgres, read
from eventstore.answers import Answers, Asking
from eventstore.archive import read as archived
from eventstore.ending import end_if_cancelled
from eventstore.postgres import Connection, Pool, pauses
from eventstore.publishing import BulkClient
from eventstore.tail import Tail
from projections.status.read import database_now, read_changed
from projections.status.view import render
from schemas import subjects
from schemas.job import Job
from schemas.messages import LANGUAGES
from schemas.states import ENDED, visible
from services.nats.moments import Moments
from services.nats.seen import EMPTY, Place, Seen
from services.waits.waits import Waits

log = structlog.get_logger()

MERGE_S = 0.25  # what happens to a job in this time is told as one
PAGE = 256  # events read, jobs rendered and messages on their way at once
SLICE = 32  # jobs rendered before the loop is let go
SEEN_MAX = 200_000  # open jobs whose place in the stream is remembered, in all partitions together
SEEN_MIN = 1000
FOLLOWER = "status"
WAITS_JOBS = 200  # jobs of a partition whose waits are looked at in a second
LOOK_S = 1.0  # between two looks at the stream: nobody tells when it is purged or deleted
LOSABLE_S = 180.0  # what a single server has had for longer is on its disk: it syncs every two minutes
TRIES = 3  # of one page: each time another publisher was quicker

_WRONG_PLACE = 10071  # the subject does not stand at the sequence that the message names
_NOTHING = "00000000-0000-0000-0000-000000000000"

_FILES = files("services.nats")
CHANGED_SQL = _FILES.joinpath("status_changed.sql").read_text()
_OPEN = _FILES.joinpath("status_open.sql").read_text()

_encoder = msgspec.json.Encoder()


class Purged(Exception):
    """Statuses that should be in the stream are not: whoever did that, it is filled again."""


class StatusPublisher:
    """All partitions; `follow` runs for each of them while this process relays it."""

    def __init__(
        self,
        pool: Pool,
        tails: Mapping[int, Tail],
        waits: Waits,
        *,
        replicas: int,
        ttl_s: int,
        look_s: float = LOOK_S,
        waits_jobs: int = WAITS_JOBS,
    ) -> None:
        remember = max(SEEN_MIN, SEEN_MAX // len(tails))
        self._partitions = {
            partition: PartitionStatus(
                pool,
                tail,
                waits,
                replicas=replicas,
                ttl_s=ttl_s,
                remember=remember,
                look_s=look_s,
                waits_jobs=waits_jobs,
            )
            for partition, tail in tails.items()
        }

    async def follow(self, client: BulkClient, partition: int) -> None:
        """Until cancelled."""
        status = self._partitions[partition]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(status.run(client))
            tasks.create_task(status.moments.run(client))


class PartitionStatus:
    """One partition, while this process relays it."""

    def __init__(
        self,
        pool: Pool,
        tail: Tail,
        waits: Waits,
        *,
        replicas: int,
        ttl_s: int,
        remember: int = SEEN_MAX,
        look_s: float = LOOK_S,
        waits_jobs: int = WAITS_JOBS,
    ) -> None:
        self._pool = pool
        self._tail = tail
        self._waits = waits
        self.moments = Moments(pool, tail.partition, waits, jobs=waits_jobs)
        self._replicas = replicas
        self._ttl_s = ttl_s
        self._look_s = look_s
        self._seen = Seen(remember)
        self._first = 0  # of the stream, as last looked at
        self._stir = asyncio.Event()
        self._js: JetStreamContext
        self._answers: Answers
        self._name = ""  # as a follower of the log
        self._made: datetime | None = None

    async def run(self, client: BulkClient) -> None:
        """Until cancelled; what NATS or the database refuses for a while is tried again, from the checkpoint."""
        self._js = client.jetstream()
        unsubscribe = self._tail.subscribe(lambda _: self._stir.set())
        waits, fill = pauses(0.05), False
        try:
            while True:
                end_if_cancelled()
                try:
                    async with Answers(client) as self._answers:
                        position = await self._begin(client, fill=fill)
                        waits, fill = pauses(0.05), False
                        await self._follow(position)
                except Purged as error:
                    fill = True
                    log.warning("status fills its stream again", partition=self._tail.partition, because=str(error))
                except (*postgres.AWAY, *jetstream.AWAY) as error:
                    pause = next(waits)
                    log.warning("status waits", partition=self._tail.partition, error=repr(error), again_s=pause)
                    await asyncio.sleep(pause)
        finally:
            unsubscribe()

    async def _begin(self, client: BulkClient, *, fill: bool) -> int:
        """Where to go on. A stream that was made anew has no checkpoint: it is filled with what is open."""
        config = next(each for each in jetstream.shared_configs(self._replicas) if each.name == subjects.STATUS_STREAM)
        info = await jetstream.ensure_stream(self._js, config)
        self._made = info.created
        self._name = stream = f"{FOLLOWER} {self._made:%Y-%m-%dT%H:%M:%S.%f}"
        if self._replicas == 1:  # a server that began anew may lack the last of what it had acknowledged
            self._name = f"{stream} {await jetstream.run_of(client, info) or uuid4()}"
        self._seen.clear()
        async with self._pool.acquire() as conn:
            position = await followers.position(conn, self._name, self._tail.partition)
            if position is None and not fill:
                position = await self._before_restart(conn, stream)
        return await self._fill() if fill or position is None else position

    async def _before_restart(self, conn: Connection, stream: str) -> int | None:
        """From where on this stream's server may have lost what it had acknowledged; None for a stream made anew."""
        told = await followers.latest(conn, stream, self._tail.partition)
        if told is None:
            return None
        since = await database_now(conn) - timedelta(seconds=LOSABLE_S)
        position = min(told, await read.last_before(conn, self._tail.partition, since))
        await followers.forget(conn, FOLLOWER, self._tail.partition)
        await followers.move_soon(conn, self._name, self._tail.partition, position)
        return position

    async def _look(self) -> None:
        """Raises Purged where the stream is another one, begins behind a status that stays, or has none at all."""
        info = await jetstream.find_stream(self._js, subjects.STATUS_STREAM)
        if info is None or info.created != self._made:
            raise Purged("it was deleted")
        first = info.state.first_seq
        begins_later, self._first = first > self._first, first
        if begins_later and any(place.stays and 0 < place.sequence < first for place in self._seen.places()):
            raise Purged(f"it begins at {first}")
        if info.state.messages == 0:
            async with self._pool.acquire() as conn:
                if await conn.fetch(_OPEN, self._tail.partition, _NOTHING, _ended(), 1):
                    raise Purged("it is empty")

    async def _fill(self) -> int:
        async with self._pool.acquire() as conn:
            await followers.forget(conn, FOLLOWER, self._tail.partition)
            begun = await database_now(conn)
            since = await read.last_before(conn, self._tail.partition, begun - timedelta(seconds=self._ttl_s))
        after = _NOTHING
        while True:
            async with self._pool.acquire() as conn:
                at = await database_now(conn)
                rows = await conn.fetch(_OPEN, self._tail.partition, after, _ended(), PAGE)
                jobs = await read_changed(conn, self._tail.partition, [row["id"] for row in rows])
            if not rows:
                break
            await self._publish(jobs, at)
            after = rows[-1]["id"]
        # What ended lately is told as well: who watched it would wait for its end for ever.
        await self._move(since)
        return since

    async def _follow(self, position: int) -> None:
        loop = asyncio.get_running_loop()
        while True:
            end_if_cancelled()
            began = loop.time()
            until = self._tail.position  # what comes during these steps waits for the next ones: it is merged
            while position < until:
                position = await self._step(position)
                await self._move(position)
            self._stir.clear()
            if busy := position < self._tail.position:
                await asyncio.sleep(began + MERGE_S - loop.time())
            while position >= self._tail.position and not await self._stirred():
                await self._look()
            if not busy:
                await asyncio.sleep(MERGE_S)  # a job that starts or ends at once is told once

    async def _stirred(self) -> bool:
        """False when it is time for a look."""
        try:
            async with asyncio.timeout(self._look_s):
                return await self._stir.wait()
        except TimeoutError:
            return False

    async def _step(self, position: int) -> int:
        """Publish the newest state of each job that the next events are of. Answers how far they go."""
        at_hand = self._tail.recent.recorded(position, PAGE)
        changed = _changed((each.stream, each.version) for each in at_hand)
        jobs, upto = self._tail.recent.jobs(changed), at_hand[-1].position if at_hand else position
        async with self._pool.acquire() as conn:
            if not at_hand:
                changed, upto = await self._read(conn, position)
                jobs = await read_changed(conn, self._tail.partition, list(changed))
            at = await database_now(conn)
        for job, begun in changed.items():
            if begun and job not in self._seen:
                self._seen.put(job, EMPTY)  # nobody can have published it before; if so, it is refused
        await self._publish(jobs, at)
        return upto

    async def _read(self, conn: Connection, position: int) -> tuple[dict[str, bool], int]:
        """What the next events of the log change, as `_changed` says it, and how far they go."""
        there = await conn.fetch(CHANGED_SQL, self._tail.partition, position, PAGE)
        # After a long outage the next events may be archived by now.
        rows = await archived.lines(conn, self._tail.partition, position, PAGE, there)
        changed = _changed((row["stream"], row["version"]) for row in rows)
        return changed, rows[-1]["position"] if rows else self._tail.position

    async def _move(self, position: int) -> None:
        async with self._pool.acquire() as conn:
            await followers.move_soon(conn, self._name, self._tail.partition, position)

    async def _publish(self, jobs: Sequence[Job], at: datetime) -> None:
        """Each of these states, unless its subject has come as far.

        Raises TimeoutError where others are quicker, Purged where a status that stays is gone.
        """
        for _ in range(TRIES):
            await self._learn([job for job in jobs if job.id not in self._seen])
            jobs = await self._send([job for job in jobs if job.version > self._seen[job.id].version], at)
            if not jobs:
                break
            stood = {job.id for job in jobs if self._seen.pop(job.id).stays}
            await self._learn(jobs)
            if any(self._seen[job].sequence == 0 for job in stood):
                raise Purged("a status is gone")
        else:
            raise TimeoutError("another publisher is quicker")
        self._seen.shorten()

    async def _learn(self, jobs: Sequence[Job]) -> None:
        found = await asyncio.gather(*(self._place(job) for job in jobs))
        for job, place in zip(jobs, found, strict=True):
            self._seen.put(job.id, place)

    async def _place(self, job: Job) -> Place:
        try:
            # Asked of the leader: a copy may be behind.
            last = await self._js.get_last_msg(subjects.STATUS_STREAM, subjects.status(job.tenant, job.id))
        except NotFoundError:
            return EMPTY
        headers = last.headers or {}
        return Place(last.seq or 0, int(headers.get("Tidings-Version", 0)), Header.MSG_TTL.value not in headers)

    async def _send(self, jobs: Sequence[Job], at: datetime) -> list[Job]:
        """Answers those that were refused, since their subject stands elsewhere."""
        shown: list[tuple[Job, bytes]] = []
        for first in range(0, len(jobs), SLICE):
            shown += [(job, body) for job in jobs[first : first + SLICE] if (body := self._body(job, at))]
            await asyncio.sleep(0)
        answers = await self._answers.publish([self._asking(job, body, at) for job, body in shown])
        refused = []
        for (job, _), answer in zip(shown, answers, strict=True):
            if answer.error is None:
                self._seen.put(job.id, Place(answer.seq, job.version, job.phase not in ENDED))
            elif answer.error.err_code == _WRONG_PLACE:
                refused.append(job)
            else:
                raise APIError(**msgspec.structs.asdict(answer.error))
        return refused

    def _body(self, job: Job, at: datetime) -> bytes | None:
        """The links are plain paths: who may listen here is not thereby allowed to download."""
        try:
            now = self._waits.moment(job, at)
            self.moments.told(job, now)
            return _encoder.encode(render(job, LANGUAGES[0], as_of=at, now=now))
        except Exception:
            log.exception("a status can't be shown", job=job.id)  # a bug of ours, and no reason to tell of no other job
            return None

    def _asking(self, job: Job, body: bytes, at: datetime) -> Asking:
        headers = {
            Header.EXPECTED_STREAM.value: subjects.STATUS_STREAM,
            "Tidings-Version": str(job.version),
            "Tidings-Position": f"{self._tail.partition}:{job.position}",
            Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(self._seen[job.id].sequence),
        }
        if job.phase in ENDED and job.finished_at:
            left_s = self._ttl_s - (at - job.finished_at).total_seconds()
            headers[Header.MSG_TTL.value] = f"{max(1, round(left_s))}s"
        return Asking(subjects.status(job.tenant, job.id), body, headers)


def _changed(events: Iterable[tuple[str, int]]) -> dict[str, bool]:
    """The jobs that these events, by stream and version, are of, and whether each began in them."""
    changed: dict[str, bool] = {}
    for stream, version in events:
        if ":" not in stream:
            changed[stream] = changed.get(stream, False) or version == 1
    return changed


def _ended() -> list[str]:
    return sorted({visible(phase).value for phase in ENDED})
