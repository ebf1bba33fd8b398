"""Promise 4 for thousands at once: each screen ends at the log's version, through a restart of NATS and cuts."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventstore.postgres import Pool
from schemas import subjects
from services.keys import create_key
from tests.e2e.replicas import Replicas
from tests.faults.screens import Screen
from tests.nats.statuses import watching
from tests.nats_servers import Broker, broker
from tests.store.streams import opened

pytestmark = pytest.mark.long

SCREENS = int(os.environ.get("FAULTS_SCREENS", "2000"))
OPENING = 50  # at once
BATCH = 500
WAIT_S = 120
TYPE = "orders.export"
STAGES = ("reading", "writing")
DEFINITION = {"title": "Export", "lease": 600, "stages": [{"name": name} for name in STAGES]}
VERSIONS = "select id, version from jobs where tenant = $1"

Json = dict[str, object]


@pytest.fixture
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


class Work:
    """Jobs that are all taken, then all brought on, then all finished."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._leases: list[str] = []

    async def submit(self, count: int) -> list[str]:
        (await self._http.put(f"/v1/types/{TYPE}", json=DEFINITION)).raise_for_status()
        jobs = [{"type": TYPE, "owner": f"owner-{n}"} for n in range(count)]
        answers = [await self._call("/v1/jobs/batch", {"jobs": part}) for part in parts(jobs)]
        return [each["job"]["id"] for answer in answers for each in answer.json()["answers"]]

    async def take_all(self, count: int) -> None:
        while len(self._leases) < count:
            found = await self._call("/v1/work/claim", {"types": [TYPE], "worker": "w-1", "max": BATCH})
            self._leases += [assignment["lease"] for assignment in found.json()["assignments"]]

    async def report(self, verb: str, body: Json) -> None:
        for part in parts(self._leases):
            reports = [{"lease": lease, "verb": verb, "body": body} for lease in part]
            found = await self._call("/v1/work/report", {"worker": "w-1", "reports": reports})
            assert {answer["status"] for answer in found.json()["answers"]} == {200}

    async def _call(self, path: str, body: Json) -> httpx.Response:
        answer = await self._http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer


def parts(whole: Sequence[object]) -> Iterator[Sequence[object]]:
    for n in range(0, len(whole), BATCH):
        yield whole[n : n + BATCH]


@asynccontextmanager
async def opened_screens(url: str, key: str, jobs: Sequence[str]) -> AsyncIterator[list[Screen]]:
    screens = [Screen(url, key, job) for job in jobs]
    room = asyncio.Semaphore(OPENING)

    async def open_one(screen: Screen) -> None:
        async with room:
            await screen.open()

    await asyncio.gather(*(open_one(screen) for screen in screens))
    try:
        yield screens
    finally:
        for screen in screens:
            screen.close()


async def look(screen: Screen, number: int) -> None:
    """One of seven is cut while something happens; the others read on."""
    if number % 7 == 0:
        await screen.until(screen.version + 1)
        await screen.cut()
    await screen.until_finished()


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("faults")
async def test_every_screen_ends_at_the_logs_version(
    database: str, pool: Pool, nats: Broker, tenant: str, tmp_path: Path
) -> None:
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with (
        asyncio.timeout(WAIT_S),
        Replicas(database, nats.url, tmp_path) as replicas,
        opened(nats.url) as js,
    ):
        await replicas.begin("api-0", "relay+orchestrator-0")
        async with replicas.client("api-0", key) as http:
            work = Work(http)
            jobs = await work.submit(SCREENS)
            async with opened_screens(replicas.url("api-0"), key, jobs) as screens:
                began = time.monotonic()
                looking = asyncio.gather(*(look(screen, n) for n, screen in enumerate(screens)))
                await work.take_all(SCREENS)
                nats.kill()
                await work.report("stage", {"name": STAGES[0]})
                nats.begin()
                await work.report("stage", {"name": STAGES[1]})
                await work.report("finish", {"result": {"inline": {}}})
                await looking
                print(f"{SCREENS} screens: all seen {time.monotonic() - began:.1f} s after the first change")
                in_log = {str(row["id"]): row["version"] for row in await pool.fetch(VERSIONS, tenant)}
                assert {screen.job: screen.version for screen in screens} == in_log
        in_nats: dict[str, int] = {}
        async with watching(js, subjects.status(tenant, "*")) as statuses:
            while in_nats != in_log:
                status = await anext(statuses)
                assert status.version > in_nats.get(status.job, 0), "a status went back"
                in_nats[status.job] = status.version
