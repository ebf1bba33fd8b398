"""Waits over NATS: told when only the moment changes, and not kept."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from nats.aio.msg import Msg

from eventstore import jetstream
from eventstore.postgres import Pool
from schemas import subjects
from services.server import ROLES
from services.settings import Settings
from tests.api.client import Api
from tests.nats.service import by_http, tidings
from tests.nats_servers import Broker


@pytest.fixture
async def relayed(settings: Settings, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    """A service in all roles."""
    async with tidings(settings, ROLES) as url, by_http(url, pool, tenant) as api:
        yield api


async def news_of(heard: asyncio.Queue[Msg], job: str, ahead: int) -> dict[str, object]:
    """The message that tells so many before this job."""
    while True:
        told: dict[str, object] = json.loads((await heard.get()).data)
        found = told["waiting"]
        if told["id"] == job and isinstance(found, dict) and found["ahead"] == ahead:
            return told


async def test_who_listens_is_told_when_the_line_moves(relayed: Api, nats: Broker, tenant: str) -> None:
    await relayed.define(dedupe={"for": "never"})
    client = await jetstream.connect(nats.url, "test-waits")
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    statuses: asyncio.Queue[Msg] = asyncio.Queue()
    await client.subscribe(subjects.waits(tenant, "*"), cb=heard.put)
    await client.subscribe(subjects.status(tenant, "*"), cb=statuses.put)
    await client.flush()
    try:
        async with asyncio.timeout(30):
            jobs = [await relayed.job(input=n) for n in range(3)]
            shown = {json.loads((await statuses.get()).data)["id"] for _ in jobs}
            assert shown == set(jobs)
            for left in (1, 0):
                await relayed.claim()
                told = await news_of(heard, jobs[2], left)
                assert set(told) == {"id", "version", "as_of", "wait", "waiting"}
                assert told["version"] == 2
        info = await client.jetstream().streams_info()
        assert not any(subjects.waits("", "").rstrip(".") in each for s in info for each in s.config.subjects or [])
    finally:
        await client.close()
