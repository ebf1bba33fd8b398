"""A service of several processes on servers of its own, under load, whose parts are killed by the word of a seed."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from nats.errors import Error

from eventstore import jetstream
from eventstore.postgres import Pool, open_pool
from projections.migrate import migrate
from schemas import subjects
from services.embedded.stack import free_ports
from services.keys import create_key
from tests.e2e.processes import TIDINGS, Process, running, servers
from tests.nats_servers import Broker

TENANT = "default"
TYPE = "orders.export"
RELAYS = 2
PARTS = ["api", "nats", "nats", "postgres", "relay-0", "relay-1"]
BATCH_JOBS = 50
EVENTS_OF_A_JOB = 2  # JobRequested and JobQueued; nobody takes them
ANSWER_MAX_S = 60


class Stage:
    """The parts, each with its way to die and to come back."""

    def __init__(self, stack: AsyncExitStack, embedded: Process, brokers: Sequence[Broker], seed: int) -> None:
        self.database_url = embedded.ready["database_url"]
        self.nats_url = ",".join(broker.url for broker in brokers)
        self.seed = seed
        self.killed: list[str] = []
        self._chance = random.Random(seed)
        self._stack = stack
        self._embedded = embedded
        self._brokers = brokers
        self._down: Broker | None = None
        self._parts: dict[str, Process] = {}
        self._port = str(free_ports(1)[0])
        self._http: httpx.AsyncClient
        self._batches = itertools.count()

    async def begin(self) -> None:
        await migrate(self.database_url, 1)
        async with self.pool() as pool, pool.acquire() as conn:
            key = (await create_key(conn, TENANT)).key
        await asyncio.gather(self._start("api"), *(self._start(f"relay-{n}") for n in range(RELAYS)))
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{self._port}", headers={"Authorization": f"Bearer {key}"}, timeout=20
            )
        )
        defined = await self._http.put(f"/v1/types/{TYPE}", json={"title": "Export"})
        assert defined.is_success, defined.text

    async def _start(self, name: str) -> None:
        # Without the orchestrator: nothing happens but what is submitted, however long it takes.
        role, port = ("api", self._port) if name == "api" else ("relay", "0")
        env = {
            "TIDINGS_DATABASE_URL": self.database_url,
            "TIDINGS_NATS_URL": self.nats_url,
            "TIDINGS_NATS_REPLICAS": str(len(self._brokers)),
            "TIDINGS_RELAY_WINDOW": "128",
            "TIDINGS_PORT": port,
        }
        process = running(str(TIDINGS), "serve", "--roles", role, **env)
        self._parts[name] = await asyncio.to_thread(self._stack.enter_context, process)

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        pool = await open_pool(self.database_url, 4, name="test")
        try:
            yield pool
        finally:
            await pool.close()

    async def load(self, events: int, kills: int) -> int:
        """Submit jobs until there are so many events, killing something in the midst of some batches. Answers jobs."""
        batches = events // (BATCH_JOBS * EVENTS_OF_A_JOB)
        victims = self._victims()
        strikes = set(self._chance.sample(range(batches), min(kills, batches)))
        for batch in range(batches):
            submitted = asyncio.create_task(self._submit())
            self._heal_nats()
            if batch in strikes:
                await self._strike(next(victims))
            await submitted
        self._heal_nats()
        return batches * BATCH_JOBS

    async def _submit(self) -> None:
        """A batch, said again with its key until it is answered."""
        number = next(self._batches)
        jobs = [{"type": TYPE, "owner": "ann", "input": {"batch": number, "n": n}} for n in range(BATCH_JOBS)]
        key = {"Idempotency-Key": f"batch-{number}"}
        async with asyncio.timeout(ANSWER_MAX_S):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self._http.post("/v1/jobs/batch", json={"jobs": jobs}, headers=key)
                    if answer.status_code == 200:
                        statuses = {each["status"] for each in answer.json()["answers"]}
                        if statuses <= {200, 201}:
                            return
                    else:
                        assert answer.status_code == 503, answer.text

    def _victims(self) -> Iterator[str]:
        """Each part as often as every other, in an order that is the seed's."""
        while True:
            yield from self._chance.sample(PARTS, len(PARTS))

    async def _strike(self, victim: str) -> None:
        self.killed.append(victim)
        match victim:
            case "nats":
                await self._kill_nats()
            case "postgres":
                self._embedded.children()["postgres"].kill()
                await asyncio.to_thread(self._embedded.hear, lambda line: "is back" in line)
            case part:
                self._parts[part].popen.kill()
                await self._start(part)

    async def _kill_nats(self) -> None:
        """Of a cluster, the leader of the stream. It comes back with the next batch."""
        leader = await self._leader()
        self._down = next((each for each in self._brokers if each.name == leader), self._brokers[0])
        self._down.kill()

    async def _leader(self) -> str | None:
        client = await jetstream.connect(self.nats_url, "test")
        try:
            found = await client.jetstream().stream_info(subjects.events_stream(0))
        except Error:
            return None  # between two leaders
        finally:
            await client.close()
        return found.cluster.leader if found.cluster else None

    def _heal_nats(self) -> None:
        if self._down:
            self._down.begin()
            self._down = None


@asynccontextmanager
async def stage(data: Path, brokers: Sequence[Broker], seed: int) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        embedded = stack.enter_context(servers(data))
        made = Stage(stack, embedded, brokers, seed)
        await made.begin()
        yield made
