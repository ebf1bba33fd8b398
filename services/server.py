"""One process of the service: the roles it was given, over one pool, a tail for each partition, one way to append."""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Iterator, Sequence

import structlog
import uvicorn
from starlette.types import ASGIApp

from eventstore import jetstream
from eventstore.append import Batch
from eventstore.archive import place
from eventstore.audit.checkpoints import Makers
from eventstore.audit.outside import Shelf
from eventstore.audit.schedule import Schedule
from eventstore.postgres import Pool, open_pool
from eventstore.relay import Relay, Report
from eventstore.tail import Tail
from eventstore.wake import Wakeups
from projections.insights import Insights
from projections.runner import Runner
from projections.shadow import Shadow
from projections.waits.calibration import Calibration
from projections.waits.follow import Snapshots
from services.api import health
from services.api.app import VERSION, build, close, opened
from services.api.metrics import Metrics
from services.api.wire import Wire
from services.archiving import Archiver, archive_url
from services.files import Files
from services.heap import give_back
from services.jobs.service import JobService
from services.nats.serve import serve_nats
from services.nats.status import StatusPublisher
from services.private.sweep import Sweeper
from services.private.vault import Vault
from services.settings import Settings, variable
from services.waits.waits import Waits
from services.work.timers import Timers

log = structlog.get_logger()

API, RELAY, PROJECTOR, ORCHESTRATOR = "api", "relay", "projector", "orchestrator"
VERIFIER = "verifier"  # costs as much as the projections themselves, so only where it is asked for
ROLES = frozenset({API, RELAY, PROJECTOR, ORCHESTRATOR})
ALL_ROLES = ROLES | {VERIFIER}
NATS_START_MAX_S = 2.0  # then the API is ready without it
STOP_MAX_S = 5  # for answers on their way; whoever started us waits only a little longer


class Engine:
    """What every role stands on. What this process appends goes to its own tails in memory, to others as a wake-up."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self.settings = settings
        self.pool = pool
        self.tails = {partition: Tail(pool, partition) for partition in range(settings.partitions)}
        self._wakeups = Wakeups(settings.database_url, pool, self.tails, net_s=settings.net_s)
        self.vault = Vault(settings.private_key)
        self.waits = Waits(pool, self.tails)
        self.snapshots = Snapshots(
            pool,
            self.waits.followers,
            every_s=settings.waits_snapshot_s,
            every_events=settings.waits_snapshot_events,
        )
        self.jobs = JobService(
            pool,
            settings.database_url,
            settings.partitions,
            self._published,
            batch_max=settings.append_batch_max,
            queue_max=settings.append_queue_max,
            vault=self.vault,
            estimates=self.waits.stating,
        )
        self._relay: Relay | None = None
        self.shadow: Shadow | None = None
        self.checkpoints = Makers(pool, settings.partitions, settings.checkpoint_key)
        self.schedule = self._schedule()

    def _published(self, partition: int, batch: Batch) -> None:
        self.tails[partition].appended(batch)
        self._wakeups.appended(partition, batch.head)

    def told(self, place: str) -> None:
        """News from another process: how far a partition has come."""
        self._wakeups.told(place)

    def relays(self) -> Sequence[Report]:
        """The partitions that this process relays to NATS."""
        return self._relay.reports() if self._relay else ()

    async def start(self) -> None:
        """Raises BadMasterKey where persons' keys can't be read: what is private would look as if it was removed."""
        async with self.pool.acquire() as conn:
            await self.vault.check(conn)
            await place.say(conn, archive_url(self.settings))
        for tail in self.tails.values():
            await tail.start()

    def work(self, roles: frozenset[str]) -> Iterator[Coroutine[object, object, None]]:
        """All that runs in the background until it is cancelled."""
        yield self._wakeups.run()
        yield self.jobs.run()
        for tail in self.tails.values():
            yield tail.run()
        if roles & {API, PROJECTOR, RELAY}:
            yield self.waits.run()
        if ORCHESTRATOR in roles:
            yield self._timers().run()
            yield self.schedule.run()
            yield self._rewrap()
            yield Archiver(self.pool, self.settings).run()
            yield self._sweeper().run()
        if PROJECTOR in roles:
            yield Runner(self.settings.database_url, self.tails, Insights()).run()
            yield Runner(self.settings.database_url, self.tails, Calibration()).run()
            yield self.snapshots.run()
        if VERIFIER in roles:
            self.shadow = Shadow(self.settings.database_url, every_s=self.settings.verify_every_s)
            yield self.shadow.run()
        if RELAY in roles and self.settings.nats_url:
            self._relay = self._make_relay(self.settings.nats_url)
            yield self._relay.run()

    async def _rewrap(self) -> None:
        """Once: after a change of the master key, so that the old one can be dropped."""
        async with self.pool.acquire() as conn:
            count = await self.vault.rewrap(conn)
        if count:
            log.info("persons' keys are wrapped by the new master key", keys=count)

    def _sweeper(self) -> Sweeper:
        settings = self.settings
        files = Files(settings.files_url)
        return Sweeper(self.pool, files, settings.partitions, unnamed_s=settings.upload_unnamed_s)

    def _make_relay(self, nats_url: str) -> Relay:
        settings = self.settings
        status = StatusPublisher(
            self.pool,
            self.tails,
            self.waits,
            replicas=settings.nats_replicas,
            ttl_s=settings.status_ttl_s,
            waits_jobs=settings.nats_waits_jobs,
            look_s=settings.net_s,
        )
        return Relay(
            self.pool,
            settings.database_url,
            nats_url,
            settings.partitions,
            tails=self.tails,
            replicas=settings.nats_replicas,
            window=settings.relay_window,
            cloudevents=settings.cloudevents,
            look_s=settings.net_s,
            beside=status.follow,
        )

    def _schedule(self) -> Schedule:
        settings = self.settings
        return Schedule(
            self.pool,
            self.checkpoints,
            self.tails,
            every_s=settings.checkpoint_every_s,
            nats_url=settings.nats_url,
            replicas=settings.nats_replicas,
            shelf=Shelf(settings.checkpoints_url) if settings.checkpoints_url else None,
        )

    def _timers(self) -> Timers:
        return Timers(
            self.pool,
            self.jobs.do,
            self.tails,
            idempotency_keep_s=self.settings.idempotency_keep_s,
            net_s=self.settings.net_s,
        )


async def serve(
    settings: Settings,
    roles: frozenset[str],
    ready: asyncio.Event,
    stop: asyncio.Event,
    *,
    sock: socket.socket | None = None,
) -> None:
    """Run until `stop` is set; `ready` is set once calls are answered. The schema is there already.

    `sock` is a bound socket for HTTP; without one it listens where the settings say. A part that fails ends all.
    """
    if settings.nats_url:
        await jetstream.check(settings.nats_url)
    elif RELAY in roles:
        log.warning("events stay in PostgreSQL alone", next=f"set {variable('nats_url')}")
    async with await open_pool(settings.database_url, settings.pool_size, reset=False) as pool:
        engine = Engine(settings, pool)
        await engine.start()
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(part) for part in (*engine.work(roles), give_back())]
            if API in roles:
                await _serve_api(engine, ready, stop, sock)
            else:
                await _serve_health(engine, ready, stop, sock)
            for task in background:
                task.cancel()
        if ORCHESTRATOR in roles:
            await engine.schedule.end()
        if PROJECTOR in roles:
            await engine.snapshots.keep()


async def _serve_api(engine: Engine, ready: asyncio.Event, stop: asyncio.Event, sock: socket.socket | None) -> None:
    """Calls that are on their way when `stop` comes are answered; streams end at once, and clients come again."""
    async with opened(engine) as parts:
        nats_ready, ended = asyncio.Event(), asyncio.Event()
        server = Server(build(parts), engine.settings, ready, after=nats_ready)
        serving = asyncio.create_task(server.serve(sockets=[sock] if sock else None))
        by_nats = asyncio.create_task(serve_nats(parts, VERSION, engine.told, nats_ready, ended))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, by_nats, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            close(parts)
            server.should_exit = True
            ended.set()
            stopping.cancel()
            await serving
            await by_nats


async def _serve_health(engine: Engine, ready: asyncio.Event, stop: asyncio.Event, sock: socket.socket | None) -> None:
    """What a process without the API answers: whether it lives, and what it counts."""
    metrics, no_more = Metrics(engine.relays, lambda: engine.shadow), asyncio.Event()
    no_more.set()
    stops = [tail.subscribe(metrics.appended) for tail in engine.tails.values()]
    server = Server(health.app(engine.pool, metrics), engine.settings, ready, after=no_more)
    serving = asyncio.create_task(server.serve(sockets=[sock] if sock else None))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in stops:
            each()
        server.should_exit = True
        stopping.cancel()
        await serving


class Server(uvicorn.Server):
    """uvicorn without its own signals: whoever started the process decides when it ends.

    `ready` is set when HTTP is answered and `after` is set too; a NATS that is away is not waited for.
    """

    def __init__(self, app: ASGIApp, settings: Settings, ready: asyncio.Event, *, after: asyncio.Event) -> None:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http=Wire,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_MAX_S,
        )
        super().__init__(config)
        self._ready = ready
        self._after = after

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(NATS_START_MAX_S):
                await self._after.wait()
        self._ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
