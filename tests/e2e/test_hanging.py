"""A worker whose handler hangs while its heartbeat goes on: found by the orchestrator, a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eventstore.postgres import Pool
from schemas.states import State
from services.keys import create_key
from tests.api.client import EXPORT, Api, Json
from tests.e2e.replicas import Replicas
from tests.nats_servers import Broker, broker
from tidings import Context, Worker

pytestmark = pytest.mark.long

WAIT_S = 60
LEASE_S, QUIET_S, STUCK_S = 5, 2, 7  # called stuck later than a worker without heartbeats would be lost


@pytest.fixture(scope="module")
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture
async def replicas(database: str, nats: Broker, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with Replicas(database, nats.url, tmp_path) as made:
        await made.begin("api-a", "api-b", "orchestrator-0")
        yield made


@asynccontextmanager
async def reader(replicas: Replicas, pool: Pool, tenant: str) -> AsyncIterator[tuple[Api, str]]:
    """A tenant read by the process that no worker speaks to, and the tenant's key."""
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with replicas.client("api-b", key) as http:
        yield Api(http, tenant, pool), key


class Hanging:
    """Hangs in its first run, at the first stage, until it is let go."""

    def __init__(self, url: str, key: str) -> None:
        self.let_go = asyncio.Event()
        self.runs = 0
        self.worker = Worker(url, api_key=key, name="w-1", wait_s=2, grace_s=0.5)
        self.worker.job(EXPORT)(self._handle)

    async def _handle(self, ctx: Context) -> None:
        self.runs += 1
        await ctx.stage("reading")
        if self.runs == 1:
            await self.let_go.wait()
        await ctx.stage("writing")
        ctx.inline({"rows": 1})

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.worker.run())
        try:
            yield
        finally:
            self.let_go.set()
            self.worker.stop()
            await task


async def sentence(views: AsyncIterator[Json], words: str) -> Json:
    """The next view whose sentence says so."""
    async for view in views:
        if words in str(view["sentence"]):
            return view
    raise AssertionError("the stream ended")


async def views(api: Api, job: str) -> AsyncIterator[Json]:
    async with api.stream(f"/v1/jobs/{job}/stream") as events:
        async for event in events:
            if event.name == "status":
                yield event.data


async def test_a_handler_that_hangs_is_told_of_and_comes_back_with_its_next_sign(
    replicas: Replicas, pool: Pool, tenant: str
) -> None:
    """Its heartbeat goes on, so nobody takes its work away: people are told, and what they may do."""
    async with reader(replicas, pool, tenant) as (api, key), asyncio.timeout(WAIT_S):
        await api.define(lease=LEASE_S, stall={"quiet": QUIET_S, "stuck": STUCK_S, "do": "tell"})
        job = await api.job()
        hanging = Hanging(replicas.url("api-a"), key)
        async with hanging.working():
            told = views(api, job)
            quiet = await sentence(told, "no progress for a while")
            assert quiet["state"] == State.RUNNING
            stuck = await sentence(told, "nothing has moved for too long")
            assert stuck["state"] == State.RUNNING
            problem = stuck["problem"]
            assert isinstance(problem, dict)
            assert problem["still_running"] is True
            assert "cancel the job and start it again" in str(problem["next"])
            hanging.let_go.set()
            async for view in told:
                if view["state"] == State.FINISHED:
                    break
        history = await api.history(job)
    assert [name for name in history if name.startswith("Attempt")] == [
        "AttemptStarted",
        "AttemptQuiet",
        "AttemptStuck",
    ]
    assert hanging.runs == 1


async def test_a_rule_takes_the_work_back_though_no_process_that_answers_is_there(
    replicas: Replicas, pool: Pool, tenant: str
) -> None:
    """The worker's process that answers is dead the whole time: what is known of signs stands in the log alone."""
    async with reader(replicas, pool, tenant) as (api, key), asyncio.timeout(WAIT_S):
        await api.define(lease=60, stall={"quiet": QUIET_S, "stuck": STUCK_S, "do": "retry"}, retry={"attempts": 3})
        job = await api.job()
        hanging = Hanging(replicas.url("api-a"), key)
        async with hanging.working():
            told = views(api, job)
            async for view in told:
                if "eading" in str(view["sentence"]):
                    break
            replicas.kill("api-a")
            async for view in told:
                if view["state"] != State.RUNNING:
                    break
            assert "AttemptStuck" in await api.history(job)
            await replicas.begin("api-a")
            async for view in told:
                if view["state"] == State.FINISHED:
                    break
        history = [name for name in await api.history(job) if name.startswith(("Attempt", "JobFinished"))]
    assert history == [
        *("AttemptStarted", "AttemptQuiet", "AttemptStuck", "AttemptLost"),
        *("AttemptStarted", "JobFinished"),
    ]
    assert hanging.runs == 2
