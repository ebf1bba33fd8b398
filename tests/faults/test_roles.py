"""Any number of processes of each role: whichever are killed, every job is done once, and NATS says so at last."""

import asyncio
import contextlib
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventstore import read
from eventstore.postgres import Pool
from schemas import events as e
from schemas import subjects
from schemas.envelope import Recorded
from schemas.ids import uuid7
from schemas.states import State
from services.keys import create_key
from tests.e2e.replicas import Replicas
from tests.nats.statuses import Status, watching
from tests.nats_servers import Broker, broker
from tests.store.streams import assert_equal, opened, there

JOBS = 300
LATER = 60  # of them are submitted for later: the timers let them begin
KILL_EVERY = 40  # finished jobs
pytestmark = pytest.mark.long

SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6)))
APIS = ("api-0", "api-1")
NAMES = (*APIS, "orchestrator-0", "orchestrator-1", "relay-0", "relay-1")
TYPE = "orders.export"
SOON = "select to_json(clock_timestamp() + interval '3 s') #>> '{}'"
VERSIONS = "select id, version from jobs where tenant = $1"
# A lease that was handed out in an answer that never came runs out soon, and the job goes on.
DEFINITION = {"title": "Export", "lease": 3, "retry": {"attempts": 20, "backoff": {"first": 0.2}}}

Json = dict[str, object]


@pytest.fixture
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


class Callers:
    """A tenant's clients, one for each API process; a call goes to the next one where its process is dead."""

    def __init__(self, clients: list[httpx.AsyncClient], chance: random.Random) -> None:
        self._clients = clients
        self._chance = chance

    async def call(self, path: str, body: Json, headers: Mapping[str, str] | None = None) -> Json:
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self._chance.choice(self._clients).post(path, json=body, headers=headers)
                if answer.status_code != 503:
                    assert answer.status_code in {200, 201, 404, 409}, answer.text
                    found: Json = answer.json()
                    return found

    async def define(self) -> None:
        (await self._clients[0].put(f"/v1/types/{TYPE}", json=DEFINITION)).raise_for_status()

    async def submit(self, later: str) -> None:
        jobs = [
            {"type": TYPE, "owner": "ann", "input": {"n": n}, **({"not_before": later} if n < LATER else {})}
            for n in range(JOBS)
        ]
        await self.call("/v1/jobs/batch", {"jobs": jobs}, {"Idempotency-Key": uuid7()})


async def work(callers: Callers, name: str) -> None:
    """Take jobs and finish them, until cancelled."""
    while True:
        found = await callers.call("/v1/work/claim", {"types": [TYPE], "worker": name, "max": 4, "wait": 1})
        assignments = found["assignments"]
        assert isinstance(assignments, list)
        for assignment in assignments:
            path = f"/v1/work/{assignment['lease']}"
            await callers.call(f"{path}/progress", {"done": 1, "total": 1})
            await callers.call(f"{path}/finish", {"result": {"inline": {"by": name}}})


def note(status: Status, versions: dict[str, int]) -> Status:
    assert status.version > versions.get(status.job, 0), "a status went back"
    versions[status.job] = status.version
    return status


async def finishing(statuses: AsyncIterator[Status], versions: dict[str, int]) -> AsyncIterator[int]:
    """How many jobs have finished as NATS says, each time one more has."""
    finished: set[str] = set()
    while len(finished) < JOBS:
        status = note(await anext(statuses), versions)
        if status.view["state"] == State.FINISHED and status.job not in finished:
            finished.add(status.job)
            yield len(finished)


async def kill_and_begin(replicas: Replicas, name: str) -> None:
    replicas.kill(name)
    await replicas.begin(name)


def twice(recorded: Iterable[Recorded]) -> list[object]:
    """What happened more than once although it must not: to an attempt, or to a job."""
    counted: Counter[object] = Counter()
    for each in recorded:
        match each.data:
            case e.AttemptStarted() | e.AttemptLost():
                counted[each.stream, each.type, each.data.run, each.data.attempt] += 1
            case e.JobRequested() | e.ResultStored() | e.JobFinished():
                counted[each.stream, each.type] += 1
    return [what for what, times in counted.items() if times > 1]


@asynccontextmanager
async def calling(replicas: Replicas, pool: Pool, tenant: str, chance: random.Random) -> AsyncIterator[Callers]:
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with AsyncExitStack() as stack:
        yield Callers([await stack.enter_async_context(replicas.client(name, key)) for name in APIS], chance)


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("faults")
async def test_each_job_is_done_once_whoever_is_killed(
    database: str, pool: Pool, nats: Broker, tenant: str, tmp_path: Path
) -> None:
    print(f"again: FAULTS_SEED={SEED} pytest {__file__}")
    chance = random.Random(SEED)
    victims = chance.sample(NAMES, len(NAMES))
    versions: dict[str, int] = {}
    async with Replicas(database, nats.url, tmp_path) as replicas, opened(nats.url) as js:
        await replicas.begin(*NAMES)
        await there(js, subjects.STATUS_STREAM)
        async with (
            watching(js, subjects.status(tenant, "*")) as statuses,
            calling(replicas, pool, tenant, chance) as callers,
        ):
            await callers.define()
            await callers.submit(await pool.fetchval(SOON))
            async with asyncio.TaskGroup() as tasks:
                workers = [tasks.create_task(work(callers, f"w-{n}")) for n in range(2)]
                async for finished in finishing(statuses, versions):
                    if finished % KILL_EVERY == 0 and victims:
                        tasks.create_task(kill_and_begin(replicas, victims.pop()))
                for worker in workers:
                    worker.cancel()
            assert not victims, "all were killed"
            in_log = {str(row["id"]): row["version"] for row in await pool.fetch(VERSIONS, tenant)}
            while versions != in_log:
                note(await anext(statuses), versions)
        await assert_equal(pool, js)
    async with pool.acquire() as conn:
        recorded = await read.read(conn, 0, 0, 1_000_000)
    assert not twice(recorded)
    assert Counter(each.type for each in recorded)["JobFinished"] == JOBS
