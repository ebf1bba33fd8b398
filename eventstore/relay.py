"""The relay: every event of the log to NATS once and in order, each partition by one process at a time.

The stream is its own checkpoint: sequence = position. After whatever was killed, the relay reads the stream's last
sequence and goes on behind it, and what a second relay or an old window still sends is refused by NATS. So the lock
only spares work, it guards nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

import structlog
from msgspec import Struct

from eventstore import jetstream, standing
from eventstore.crash_points import crash_point
from eventstore.ending import end_if_cancelled
from eventstore.locks import Locks
from eventstore.outgoing import JOBS_REMEMBERED, Outgoing
from eventstore.postgres import AWAY, Pool, pauses
from eventstore.publishing import BulkClient
from eventstore.sending import Refused, Sender
from eventstore.standing import Fault, Standing
from eventstore.tail import Tail
from schemas import subjects
from schemas.envelope import Recorded

log = structlog.get_logger()

FLYING_MAX = 2  # chunks: one is written while the other is stored
LOOK_S = 1.0  # between two looks at a stream: nobody tells when it is purged
REMEMBER_MIN = 1000  # jobs, in each of many partitions

Beside = Callable[[BulkClient, int], Coroutine[object, object, None]]


class Lost(Exception):
    """The connection to NATS or the lock is gone: another relay may go on, and so may we, from the beginning."""


class Report(Struct, frozen=True, kw_only=True):
    """What operators see of one partition, of those that this process relays."""

    partition: int
    lag: int
    fault: Fault | None


class Relay:
    """The role. `tails` wake it; without them (in a command) it looks every `look_s` seconds.

    `beside` runs for each partition while this process relays it, over the same connection.
    """

    def __init__(
        self,
        pool: Pool,
        database_url: str,
        nats_url: str,
        partitions: int,
        *,
        tails: Mapping[int, Tail] | None = None,
        replicas: int = 1,
        window: int = 4096,
        cloudevents: bool = False,
        look_s: float = LOOK_S,
        beside: Beside | None = None,
    ) -> None:
        self._database_url = database_url
        self._nats_url = nats_url
        remember = max(REMEMBER_MIN, JOBS_REMEMBERED // partitions)
        self._partitions = {
            partition: PartitionRelay(
                pool,
                Outgoing(
                    partition,
                    recent=tails[partition].recent if tails else None,
                    remember=remember,
                    cloudevents=cloudevents,
                ),
                partition,
                replicas=replicas,
                chunk=max(1, window // FLYING_MAX),
                look_s=look_s,
            )
            for partition in range(partitions)
        }
        for partition, tail in (tails or {}).items():
            tail.subscribe(self._partitions[partition].wake)
        self._replicas = replicas
        self._beside = beside
        self._active: set[int] = set()

    def reports(self) -> list[Report]:
        reports = (self._partitions[partition].report() for partition in sorted(self._active))
        return [report for report in reports if report]

    async def run(self) -> None:
        """Until cancelled. Raises UnfitNats where this NATS can't carry the events."""
        waits = pauses(most_s=1.0)  # the connections themselves wait for servers that are away
        while True:
            end_if_cancelled()
            try:
                await self._session()
            except* (*AWAY, *jetstream.AWAY, Lost) as group:
                log.warning("relay begins again", because=_reasons(group))
                await asyncio.sleep(next(waits))

    async def _session(self) -> None:
        """One connection to NATS, one lock in the database: where either is gone, all partitions are let go."""
        lost = asyncio.Event()
        async with (
            self._nats(lost) as client,
            Locks(self._database_url, list(self._partitions), on_lost=lost.set) as locks,
            asyncio.TaskGroup() as tasks,
        ):
            for config in jetstream.shared_configs(self._replicas):
                await jetstream.ensure_stream(client.jetstream(), config)
            tasks.create_task(_until(lost))
            try:
                async for partition in locks.taken():
                    self._active.add(partition)
                    tasks.create_task(self._partitions[partition].run(client))
                    if self._beside:
                        tasks.create_task(self._beside(client, partition))
            finally:
                self._active.clear()

    @contextlib.asynccontextmanager
    async def _nats(self, lost: asyncio.Event) -> AsyncIterator[BulkClient]:
        client = await jetstream.connect(self._nats_url, "tidings-relay", on_lost=lost.set)
        try:
            jetstream.check_max_payload(client)
            yield client
        finally:
            await jetstream.close(client)


async def _until(lost: asyncio.Event) -> None:
    await lost.wait()
    raise Lost("a connection is gone")


def _reasons(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_reasons(each) for each in error.exceptions)
    return repr(error)


class PartitionRelay:
    """One partition, while this process holds its lock."""

    def __init__(
        self, pool: Pool, outgoing: Outgoing, partition: int, *, replicas: int, chunk: int, look_s: float
    ) -> None:
        self._pool = pool
        self._outgoing = outgoing
        self._partition = partition
        self._name = subjects.events_stream(partition)
        self._replicas = replicas
        self._chunk = chunk
        self._look_s = look_s
        self._known = 0  # committed up to here
        self._stored = 0  # in NATS up to here
        self._stir = asyncio.Event()
        self._fault: Fault | None = None
        self._behind = False
        self._made = 0  # when the stream was
        self._filled = False  # that it was filled is on record
        self._looked = False
        self._look_at = 0.0

    def wake(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tail. Only how far the log has come counts; its lines are sent as they are."""
        self._known = max(self._known, recorded[-1].position)
        self._stir.set()

    def report(self) -> Report | None:
        """None before the first look."""
        if not self._looked:
            return None
        return Report(partition=self._partition, lag=max(0, self._known - self._stored), fault=self._fault)

    async def run(self, client: BulkClient) -> None:
        """Until cancelled. What the stream or the database refuses for a while is tried again, from its last event."""
        self._filled = False
        waits, chunk, stored = pauses(0.05), self._chunk, 0
        while True:
            end_if_cancelled()
            try:
                now = await self._look(client)
                if now.fault is None:
                    await self._begin(client, now)
                    await self._follow(client, now.last, chunk)
                await asyncio.sleep(self._look_s)
                continue
            except Refused as refusal:
                chunk = 1  # alone, the next one is refused for its own reason, not for the missing one before it
                log.warning("relay goes back", partition=self._partition, refused=str(refusal))
            except (*AWAY, *jetstream.AWAY) as error:
                log.warning("relay waits", partition=self._partition, error=repr(error))
            if self._stored > stored:
                waits, stored = pauses(0.05), self._stored
            await asyncio.sleep(next(waits))

    async def _look(self, client: BulkClient) -> Standing:
        async with self._pool.acquire() as conn:
            now = await standing.look(conn, client.jetstream(), self._partition, self._replicas)
        self._look_at = asyncio.get_running_loop().time() + self._look_s
        self._known, self._stored, self._looked = max(now.head, self._known), now.last, True
        if now.fault != self._fault:
            if now.fault:
                log.error(
                    "relay stopped: the stream is not what the log says",
                    partition=self._partition, fault=now.fault, detail=now.detail, next="tidings relay resync",
                )  # fmt: skip
            else:
                log.info("relay goes on: the stream is right again", partition=self._partition)
            self._fault = now.fault
        return now

    async def _begin(self, client: BulkClient, now: Standing) -> None:
        self._known = now.head
        config = jetstream.events_config(self._partition, self._replicas, now.first)
        self._made = standing.made(await jetstream.ensure_stream(client.jetstream(), config))

    async def _follow(self, client: BulkClient, position: int, chunk: int) -> None:
        """Send what comes, until a look finds a fault."""
        async with Sender(client, self._name) as sender:
            while True:
                end_if_cancelled()
                if self._known > position:
                    position = await self._send_page(sender, position, chunk)
                    chunk = self._chunk
                else:
                    await self._note(await sender.stored())
                    await self._wait(position)
                if asyncio.get_running_loop().time() >= self._look_at and (await self._look(client)).fault:
                    return

    async def _send_page(self, sender: Sender, position: int, chunk: int) -> int:
        async with self._pool.acquire() as conn:
            messages = await self._outgoing.page(conn, position, chunk)
        if not messages:
            self._known = position  # announced, but not to be seen: the next look tells
            return position
        if self._known - position > self._chunk and not self._behind:
            self._behind = True
            log.info("relay is behind", partition=self._partition, lag=self._known - position)
        await self._note(await sender.stored(flying=FLYING_MAX - 1))
        await sender.send(messages)
        crash_point("relay.after_publish")
        return messages[-1].position

    async def _note(self, stored: int | None) -> None:
        if stored is None:
            return
        self._stored = stored
        if not self._filled:
            async with self._pool.acquire() as conn:
                await standing.mark_filled(conn, self._partition, self._made)
            self._filled = True

    async def _wait(self, position: int) -> None:
        """Until there is more, or until it is time for a look."""
        if self._behind:
            self._behind = False
            log.info("relay caught up", partition=self._partition, position=self._stored)
        self._stir.clear()
        if self._known > position:  # while the last acknowledgement was awaited
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._look_at):
                await self._stir.wait()
