"""What was learnt and who waits where, at hand in memory: each process that answers follows the log by itself.

It begins from the last snapshot and the tables, reads what came since, and from then on takes in each event the
moment this process hears of it. One process writes snapshots (`Snapshots`); a restart never reads the log anew.
"""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.resources import files
from uuid import UUID

import msgspec
import structlog
from asyncpg import Record

from eventstore import read
from eventstore.postgres import AWAY, Connection, Pool, pauses
from eventstore.tail import Tail
from projections.waits import snapshots
from projections.waits.learnt import Learnt, learn
from projections.waits.places import Places
from schemas.envelope import Recorded
from schemas.events import EstimateStated, JobDelayed, JobQueued, JobRequested
from schemas.jobtypes import Definition

log = structlog.get_logger()

PAGE = 200  # events learnt before the loop is let go
MOVES_NOBODY = JobRequested | JobQueued | JobDelayed | EstimateStated  # but the job itself, whose version tells

_PLACES = files("projections.waits").joinpath("places.sql").read_text()
_definition = msgspec.json.Decoder(Definition)


class Follower:
    """One partition in one process. `known` and `places` are read at any time and changed here alone.

    `moved`: how many events came that did more than put a job into its line, or tell that it waits long.
    """

    def __init__(self, pool: Pool, tail: Tail) -> None:
        self.known = Learnt()
        self.places = Places()
        self.moved = 0
        self.caught_up = asyncio.Event()  # all that the tail has delivered is taken in
        self._pool = pool
        self._tail = tail
        self._placed = 0  # places are those of this position
        self._stir = asyncio.Event()

    @property
    def partition(self) -> int:
        return self._tail.partition

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        unsubscribe = self._tail.subscribe(self._hear)
        waits = pauses()
        try:
            while True:
                try:
                    if not self.caught_up.is_set():
                        await self._begin()
                    await self._stir.wait()
                    self._stir.clear()
                    await self._look_up()
                    waits = pauses()
                except AWAY as error:
                    pause = next(waits)
                    log.warning("waits wait for the database", partition=self.partition, error=repr(error))
                    self._stir.set()
                    await asyncio.sleep(pause)
        finally:
            unsubscribe()

    async def _begin(self) -> None:
        """Read up to where the tail stands. What it delivers from there on is heard: nothing is left between."""
        async with self._pool.acquire() as conn:
            if not self._placed:
                self.known = await snapshots.find(conn, self.partition)
                self.places, self._placed = await read_places(conn, self.partition)
            while self.known.position < self._tail.position:
                page, upto = await read.read_known(conn, self.partition, self.known.position, PAGE)
                self._take(page)
                self.known.position = upto
                await asyncio.sleep(0)
            self.caught_up.set()  # with no pause since the tail was asked

    def _hear(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tail. Before it has caught up, the log is read instead."""
        if self.caught_up.is_set():
            self._take(recorded)
            if self.places.unknown:
                self._stir.set()

    def _take(self, recorded: Sequence[Recorded]) -> None:
        for each in recorded:
            if each.position <= self.known.position:
                continue
            try:
                learn(self.known, each)
                if each.position > self._placed:
                    self.places.hear(each)
                if not isinstance(each.data, MOVES_NOBODY):
                    self.moved += 1
            except Exception:
                # A bug of ours: waits are then told less well, but the log goes on and so does all that follows it.
                self.moved += 1
                log.exception("an event taught nothing", partition=self.partition, position=each.position)
                self.known.position = each.position

    async def _look_up(self) -> None:
        """Find out about jobs that came back, as a retry does: one query for all of them."""
        if not self.places.unknown:
            return
        async with self._pool.acquire() as conn:
            wanted = list(self.places.unknown)
            rows = await conn.fetch(_PLACES, self.partition, [UUID(job) for job in wanted])
        for row in rows:
            if row["job"] in self.places.unknown:
                _put(self.places, row)
        self.places.unknown.difference_update(wanted)


async def read_places(conn: Connection, partition: int) -> tuple[Places, int]:
    """From the tables, with the position that they stand at."""
    places = Places()
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        position = await read.head(conn, partition)
        for row in await conn.fetch(_PLACES, partition, None):
            _put(places, row)
    return places, position


def _put(places: Places, row: Record) -> None:
    kind = row["tenant"], row["type"]
    if row["kind"] == "type":
        places.limit(kind, _definition.decode(row["definition"]).limits)
    elif row["kind"] == "working":
        places.put_working(row["job"], kind, row["owner"], 0, row["worker"], row["at"])
    else:
        places.put_waiting(row["job"], kind, row["owner"], row["priority"], row["at"], ready=row["ready"])


class Snapshots:
    """Writes what the followers of this process have learnt, so that a restart need not learn it again."""

    def __init__(self, pool: Pool, followers: Mapping[int, Follower], *, every_s: float, every_events: int) -> None:
        self._pool = pool
        self._followers = followers
        self._every_s = every_s
        self._every_events = every_events
        self._kept = dict.fromkeys(followers, 0)

    async def run(self) -> None:
        """Every `every_s` seconds where something came, and sooner after `every_events` events. Until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._every_s
        while True:
            await asyncio.sleep(min(1.0, self._every_s))
            timely = loop.time() >= due
            if timely:
                due = loop.time() + self._every_s
            try:
                await self.keep(1 if timely else self._every_events)
            except AWAY as error:
                log.warning("a snapshot of the waits could not be kept; the next one is", error=repr(error))

    async def keep(self, events: int = 1) -> None:
        """Write a snapshot of each partition that came so many events further since the last one."""
        for partition, follower in self._followers.items():
            if not follower.caught_up.is_set() or follower.known.position < self._kept[partition] + events:
                continue
            async with self._pool.acquire() as conn:
                stands = await snapshots.position(conn, partition)
                reached = follower.known.position
                if reached >= stands + events:
                    await snapshots.keep(conn, partition, follower.known)
                self._kept[partition] = max(stands, reached)
