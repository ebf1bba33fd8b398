"""The database or NATS away: nothing that was acknowledged is lost, and everything goes on by itself."""

import asyncio
import json

import httpx
import msgspec
import pytest
from nats.errors import NoRespondersError

from eventstore.postgres import Pool
from services.settings import Settings
from tests.nats.service import Caller, Sender, by_http, events, export, tidings
from tests.nats_servers import Broker, broker
from tests.store.network import network
from tests.store.streams import opened

COMMANDS = 50
LAST = json.dumps({"command_id": "never-sent"}).encode()  # refused once nothing before it is left


async def test_commands_wait_for_the_database(settings: Settings, pool: Pool, nats: Broker, tenant: str) -> None:
    async with network(settings.database_url) as way:
        cut_off = msgspec.structs.replace(settings, database_url=way.url)
        async with tidings(cut_off) as url, by_http(url, pool, tenant) as api, opened(nats.url) as js:
            await api.define(dedupe={"for": "never"})
            sender = Sender(js, tenant)
            async with sender.listening() as rejections:
                way.cut()
                await asyncio.gather(*(sender.send("submit", export(), f"{tenant}-{n}") for n in range(COMMANDS)))
                await sender.send("cancel", LAST, f"{tenant}-last")
                with pytest.raises(NoRespondersError):  # what nats-py makes of 503
                    await Caller(js._nc, tenant).ask("submit", {"type": "orders.export", "owner": "ann"})
                await way.mend()
                assert (await rejections.next())["command_id"] == f"{tenant}-last"
    assert await events(pool, tenant) == [("JobQueued", COMMANDS), ("JobRequested", COMMANDS)]


async def test_a_restart_of_nats_is_waited_for(settings: Settings, pool: Pool, tenant: str) -> None:
    """HTTP needs no NATS, not even to begin with; what was sent before and after the restart is carried out."""
    with broker(sync="always") as nats:
        apart = msgspec.structs.replace(settings, nats_url=nats.url)
        async with tidings(apart) as url, by_http(url, pool, tenant) as api, opened(nats.url) as js:
            await api.define(dedupe={"for": "never"})
            sender = Sender(js, tenant)
            await sender.send("submit", export(), f"{tenant}-1")
            nats.kill()
            assert (await api.submit()).status_code == 201
            nats.begin()
            async with sender.listening() as rejections:
                await sender.send("submit", export(), f"{tenant}-2")
                await sender.send("cancel", LAST, f"{tenant}-last")
                assert (await rejections.next())["command_id"] == f"{tenant}-last"
    assert await events(pool, tenant) == [("JobQueued", 3), ("JobRequested", 3)]


async def test_the_api_tells_of_nats(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"
