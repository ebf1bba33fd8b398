"""When checkpoints are made: soon after the log moved, and at a clean end; then they go to NATS and to their shelf.

Woken by the tails. A round that finds nothing new costs one small query; one that fails is told and tried again.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import structlog
from nats.aio.client import Client

from eventstore import jetstream
from eventstore.audit.checkpoints import Checkpoint, HistoryDamaged, Makers
from eventstore.audit.outside import Shelf
from eventstore.audit.publish import publish
from eventstore.ending import end_if_cancelled
from eventstore.postgres import AWAY, Pool, pauses
from eventstore.tail import Tail
from schemas.envelope import Recorded

log = structlog.get_logger()

END_MAX_S = 3.0
PUBLISH_MAX_S = 3.0


class Schedule:
    """A part of the role orchestrator. `every_s`: at most one checkpoint of a partition in so many seconds."""

    def __init__(
        self,
        pool: Pool,
        makers: Makers,
        tails: Mapping[int, Tail],
        *,
        every_s: float,
        nats_url: str | None = None,
        replicas: int = 1,
        shelf: Shelf | None = None,
    ) -> None:
        self._pool = pool
        self._makers = makers
        self._tails = tails
        self._every_s = every_s
        self._nats_url = nats_url
        self._replicas = replicas
        self._shelf = shelf
        self._moved = set(tails)
        self._stir = asyncio.Event()
        self._client: Client | None = None

    async def run(self) -> None:
        """Until cancelled."""
        stops = [tail.subscribe(self._see) for tail in self._tails.values()]
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._nats_url:
                    tasks.create_task(self._connect(self._nats_url))
                tasks.create_task(self._keep_making())
        finally:
            for stop in stops:
                stop()

    def _see(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tails."""
        self._moved.add(recorded[0].partition)
        self._stir.set()

    async def end(self) -> None:
        """At a clean end, when nothing more is appended here. What can't be done by then, the next start does."""
        try:
            async with asyncio.timeout(END_MAX_S):
                made = await self._make(self._tails)
            if self._nats_url:
                async with asyncio.timeout(END_MAX_S):
                    client = await jetstream.connect(self._nats_url, "tidings-checkpoints")
                    await self._publish(client, made)
                    await jetstream.close(client)
        except (*AWAY, *jetstream.AWAY, HistoryDamaged) as error:
            log.warning("the end has no checkpoint of its own, or not in NATS", error=repr(error))

    async def _keep_making(self) -> None:
        waits = pauses()
        while True:
            end_if_cancelled()
            self._stir.clear()
            moved, self._moved = self._moved, set()
            try:
                made = await self._make(moved)
                if self._client and self._client.is_connected:
                    async with asyncio.timeout(PUBLISH_MAX_S):
                        await self._publish(self._client, made)
                waits = pauses()
            except HistoryDamaged as error:
                log.error("no checkpoint: the history was changed", error=str(error), next="tidings audit verify")
            except (*AWAY, *jetstream.AWAY) as error:
                log.warning("checkpoints wait", error=repr(error))
                self._moved |= moved
                self._stir.set()
                await asyncio.sleep(next(waits))
            await asyncio.sleep(self._every_s)
            await self._stir.wait()

    async def _make(self, partitions: Iterable[int]) -> list[Checkpoint]:
        made = await self._makers.make(sorted(partitions))
        await self._put_on_shelf(made)
        return made

    async def _publish(self, client: Client, made: Sequence[Checkpoint]) -> None:
        for each in made:
            await publish(self._pool, client, each.partition)

    async def _put_on_shelf(self, made: Sequence[Checkpoint]) -> None:
        for each in made if self._shelf else ():
            try:
                await self._shelf.keep(each)  # type: ignore[union-attr]  # asked on the line before
            except Exception as error:  # noqa: BLE001 - a bucket fails in its own ways; the database has the checkpoint
                log.warning("a checkpoint could not be put on its shelf", error=repr(error))

    async def _connect(self, nats_url: str) -> None:
        """Checkpoints don't wait for NATS: what it lacks is published once it is there."""
        self._client = await jetstream.connect(nats_url, "tidings-checkpoints")
        try:
            for config in jetstream.shared_configs(self._replicas):
                await jetstream.ensure_stream(self._client.jetstream(), config)
            self._moved.update(self._tails)
            self._stir.set()
            await asyncio.Event().wait()
        finally:
            await jetstream.close(self._client)
