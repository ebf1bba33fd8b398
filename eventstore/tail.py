"""Following one partition from now on: every event once, in order, the moment it is committed.

What this process appends is fed in memory; what others append is announced by a wake-up and read from the log. A
position is kept and the last few events, so memory stays bounded however far a subscriber's events lie behind.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from eventstore import read
from eventstore.append import Batch
from eventstore.postgres import AWAY, Pool, pauses
from eventstore.recent import Recent
from schemas.envelope import Recorded

log = structlog.get_logger()

Subscriber = Callable[[Sequence[Recorded]], None]


class Tail:
    """One for each partition and process. Subscribers are called on the loop and must not block it."""

    def __init__(self, pool: Pool, partition: int, *, page: int = read.PAGE) -> None:
        self.partition = partition
        self.position = 0  # delivered up to here
        self.recent = Recent()
        self._known = 0  # known to be committed up to here
        self._behind = asyncio.Event()
        self._subscribers: list[Subscriber] = []
        self._pool = pool
        self._page = page

    async def start(self) -> None:
        """Begin at the partition's present end."""
        async with self._pool.acquire() as conn:
            self.position = await read.head(conn, self.partition)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with every batch from now on. Answers how to stop that."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def appended(self, batch: Batch) -> None:
        """An append of this process, committed."""
        self.recent.add(batch)
        self.feed(batch.recorded)

    def feed(self, recorded: Sequence[Recorded]) -> None:
        """What this process has just committed. Where others came in between, the log is read instead."""
        if recorded and recorded[0].position <= self.position + 1:
            self._deliver(recorded, recorded[-1].position)
        elif recorded:
            self.wake(recorded[-1].position)

    def wake(self, position: int) -> None:
        """The partition has come at least this far."""
        if position > self.position:
            self._known = max(self._known, position)
            self._behind.set()

    async def run(self) -> None:
        """Read what was not fed, until cancelled."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            await self._catch_up()

    async def _catch_up(self) -> None:
        waits = pauses()
        while self.position < self._known:
            self._behind.clear()
            try:
                async with self._pool.acquire() as conn:
                    page, upto = await read.read_known(conn, self.partition, self.position, self._page)
            except AWAY as error:
                pause = next(waits)
                log.warning("tail waits for the database", partition=self.partition, error=repr(error), again_s=pause)
                await asyncio.sleep(pause)
                continue
            # Announced, but not to be seen: the next look tells. A wake-up that came while it was read may be right.
            if upto <= self.position and not self._behind.is_set():
                self._known = self.position
            self._deliver(page, upto)

    def _deliver(self, recorded: Sequence[Recorded], upto: int) -> None:
        """Hand on what is new of a batch that begins at or before the next position and goes up to `upto`."""
        new = [each for each in recorded if each.position > self.position]
        self.position = max(self.position, upto)
        if not new:
            return
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(new)
            except Exception:
                log.exception("a subscriber failed", partition=self.partition, position=self.position)
