"""Promise 1 and 2: kill -9 of everything amid 2,000 submits; what was acknowledged is there, and nothing is twice.

A failure prints its seed; `SEED=… pytest tests/faults/test_kill.py` kills at the same moment again.
"""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from tests.e2e.processes import Process, run, stack

SUBMITS, CONNECTIONS = 2000, 40
FEW = 400  # submits until a named point is met
SENT_AGAIN = 200  # of the acknowledged ones, besides all the others
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
TYPE = "orders.export"
POINTS = ["append.before_commit", "append.after_commit"]


@pytest.fixture
def data() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tidings-kill-"))
    yield path / "stack"
    shutil.rmtree(path, ignore_errors=True)


class Clients:
    """Product services that click: each click has a key, and is sent again until it is answered."""

    def __init__(self) -> None:
        self.jobs: dict[int, str] = {}  # acknowledged: click to job

    async def define(self, process: Process) -> None:
        async with _client(process) as client:
            answer = await client.put(f"/v1/types/{TYPE}", json={"title": "Export"})
            assert answer.status_code in {200, 201}, answer.text

    async def click(self, process: Process, clicks: Iterable[int], heard: Callable[[int], None]) -> None:
        """All of them over many connections, as far as the service lives. `heard` is told how many were answered."""
        left = iter(clicks)
        async with _client(process) as client, asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._one_after_the_other(client, left, heard))

    async def _one_after_the_other(
        self, client: httpx.AsyncClient, left: Iterator[int], heard: Callable[[int], None]
    ) -> None:
        for n in left:
            body = {"type": TYPE, "owner": f"owner-{n % 7}", "input": {"n": n}}
            try:
                answer = await client.post("/v1/jobs", json=body, headers={"Idempotency-Key": f"click-{n}"})
            except httpx.TransportError:
                return  # nobody is there any more
            if answer.status_code == 503:
                continue  # the database went first; whether it was saved is not known
            assert answer.status_code == 201, answer.text
            job = answer.json()["id"]
            assert self.jobs.setdefault(n, job) == job, "a click sent again became another job"
            heard(len(self.jobs))


def _client(process: Process) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {process.ready['api_key']}"}
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return httpx.AsyncClient(base_url=process.ready["url"], headers=headers, limits=limits, timeout=30)


async def check(process: Process, clients: Clients, submits: int) -> None:
    """Every acknowledged job is there; each click, sent once more, is the same job; no click became two."""
    conn = await asyncpg.connect(process.ready["database_url"])
    try:
        found = {str(row["id"]) for row in await conn.fetch("select id from jobs")}
        assert set(clients.jobs.values()) <= found, "an acknowledged job is lost"
        answered = random.Random(SEED).sample(sorted(clients.jobs), min(SENT_AGAIN, len(clients.jobs)))
        await clients.click(process, {*range(submits)} - clients.jobs.keys() | {*answered}, lambda _: None)
        assert len(clients.jobs) == len(set(clients.jobs.values())) == submits
        assert await conn.fetchval("select count(*) from jobs") == submits
        assert await conn.fetchval("select count(*) from events where type = 'RequestRepeated'") == 0
    finally:
        await conn.close()
    held = run("projections", "verify", "--json", TIDINGS_DATABASE_URL=process.ready["database_url"])
    assert held.returncode == 0, held.stdout + held.stderr


@pytest.mark.timeout(300)  # a busy machine takes four times as long
async def test_everything_is_killed_amid_many_submits(data: Path) -> None:
    print(f"SEED={SEED}")
    chance = random.Random(SEED)
    at = chance.randrange(100, SUBMITS * 3 // 4)
    clients = Clients()
    with stack(data, "--no-demo") as process:
        family = process.family()

        def kill(answered: int) -> None:
            if answered == at:
                kill_all(family, chance)

        await clients.define(process)
        await clients.click(process, range(SUBMITS), kill)
    assert at <= len(clients.jobs) < SUBMITS
    with stack(data, "--no-demo") as process:
        await check(process, clients, SUBMITS)


def kill_all(family: list[psutil.Process], chance: random.Random) -> None:
    """In an order of the seed's, at once and without a word."""
    for each in chance.sample(family, len(family)):
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's processes end each other
            each.kill()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", POINTS)
async def test_the_service_dies_at(point: str, data: Path) -> None:
    """Just before the commit nothing of the batch is there; just after it, all of it is, and nobody was told."""
    times = random.Random(SEED).randrange(3, 8)
    print(f"SEED={SEED}: the {times}th time at {point}")
    clients = Clients()
    with stack(data, "--no-demo", TIDINGS_CRASH_AT=f"{point}:{times}") as process:
        await clients.define(process)
        await clients.click(process, range(FEW), lambda _: None)
        assert process.popen.wait(30) == -signal.SIGKILL
    assert 0 < len(clients.jobs) < FEW
    with stack(data, "--no-demo") as process:
        await check(process, clients, FEW)
