"""Read your click: after a 2xx no read, list or stream on any replica is older than that answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from eventstore.postgres import Pool
from schemas.states import State
from services.keys import create_key
from tests.api.client import Api, Sent
from tests.e2e.replicas import Replicas
from tests.nats_servers import Broker, broker

CLICKS = 200
WAIT_S = 30


@pytest.fixture(scope="module")
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture(scope="module")
async def replicas(database: str, nats: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replicas]:
    """Two processes that answer, one that relays; looks are so rare that only wake-ups explain what comes soon."""
    files = tmp_path_factory.mktemp("files")
    async with Replicas(database, nats.url, files, TIDINGS_NET_S="60") as made:
        await made.begin("api-a", "api-b", "relay+orchestrator-0")
        yield made


@pytest.fixture
async def pair(replicas: Replicas, pool: Pool, tenant: str) -> AsyncIterator[tuple[Api, Api]]:
    """One tenant by two processes."""
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with AsyncExitStack() as stack:
        a, b = [await stack.enter_async_context(replicas.client(name, key)) for name in ("api-a", "api-b")]
        yield Api(a, tenant, pool), Api(b, tenant, pool)


async def first_on_stream(api: Api, path: str, job: str) -> Sent:
    """The first that a new stream says of a job."""
    async with api.stream(path) as events:
        async for event in events:
            if event.data["id"] == job:
                return event
    raise AssertionError("the stream ended")


async def seen_by(api: Api, answer: httpx.Response) -> list[int]:
    """The version of the answered job in a read, a list and two streams, all asked at once."""
    view = answer.json()
    job, owner = view["id"], view["owner"]
    read, listed, on_job, on_owner = await asyncio.gather(
        api.http.get(f"/v1/jobs/{job}"),
        api.http.get("/v1/jobs", params={"owner": owner}),
        first_on_stream(api, f"/v1/jobs/{job}/stream", job),
        first_on_stream(api, f"/v1/stream?owner={owner}", job),
    )
    found = [each for each in listed.json()["jobs"] if each["id"] == job]
    assert found, "the list does not have it"
    versions = [read.json()["version"], found[0]["version"], on_job.data["version"], on_owner.data["version"]]
    return [int(str(version)) for version in versions]


async def test_a_click_is_read_on_another_replica(pair: tuple[Api, Api]) -> None:
    """New jobs, repeated clicks and cancels, each read elsewhere the moment it is answered."""
    a, b = pair
    await a.define()
    answers = 0
    while answers < CLICKS:
        submitted = await a.submit(input={"n": answers}, owner=f"owner-{answers}")
        repeated = await a.submit(input={"n": answers}, owner=f"owner-{answers}")
        assert (submitted.status_code, repeated.status_code) == (201, 200)
        for answer in (submitted, repeated):
            assert min(await seen_by(b, answer)) >= answer.json()["version"]
        canceled = await b.http.post(f"/v1/jobs/{submitted.json()['id']}/cancel")
        assert min(await seen_by(a, canceled)) >= canceled.json()["version"]
        answers += 3


async def test_a_stream_here_shows_what_happens_there(pair: tuple[Api, Api]) -> None:
    """Opened on one replica, fed from the other, resumed on either: each state once, none older after a newer one."""
    a, b = pair
    await a.define()
    job = await a.job()
    async with asyncio.timeout(WAIT_S):
        async with b.stream(f"/v1/jobs/{job}/stream") as events:
            seen = await anext(events)
            for clicks in range(2, CLICKS + 2):
                version = (await a.submit()).json()["version"]
                seen = await anext(events)
                assert (seen.data["version"], seen.data["clicks"]) == (version, clicks)
        await b.http.post(f"/v1/jobs/{job}/cancel")
        async with a.stream(f"/v1/jobs/{job}/stream", headers={"Last-Event-ID": seen.id}) as events:
            assert (await anext(events)).data["state"] == State.CANCELED


async def test_every_role_tells_how_it_is(replicas: Replicas, pair: tuple[Api, Api]) -> None:
    """A process without the API answers for its health and counts, the relay's lag too, and nothing else."""
    await pair[0].define()
    async with replicas.client("relay+orchestrator-0", "no key") as http:
        assert (await http.get("/healthz")).json() == {"healthy": True}
        assert (await http.get("/readyz")).json() == {"ready": True}
        assert (await http.get("/v1/jobs")).status_code == 404
        async with asyncio.timeout(WAIT_S):
            while 'tidings_relay_lag{partition="0"} 0.0' not in (page := (await http.get("/metrics")).text):
                pass
    assert 'tidings_relay_state{partition="0",state="ok"} 1.0' in page
    assert 'tidings_relay_lag{partition="0"}' not in (await pair[0].http.get("/metrics")).text, "it relays nothing"


async def test_streams_go_on_while_nats_is_away(pair: tuple[Api, Api], nats: Broker) -> None:
    a, b = pair
    await a.define()
    job = await a.job()
    async with asyncio.timeout(WAIT_S), b.stream(f"/v1/jobs/{job}/stream") as events:
        await anext(events)
        nats.kill()
        try:
            for clicks in range(2, 12):
                await a.submit()
                assert (await anext(events)).data["clicks"] == clicks
        finally:
            nats.begin()
        await a.submit()
        assert (await anext(events)).data["clicks"] == 12
