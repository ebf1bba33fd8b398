"""The service in this process, and the few words that senders of commands and requests speak."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from eventstore.postgres import Pool
from schemas import subjects
from services.keys import create_key
from services.nats.intake import ensure_queue
from services.server import API, ORCHESTRATOR, serve
from services.settings import Settings
from tests.api.client import EXPORT, Api, Json

WAIT_S = 30

ROLES = frozenset({API, ORCHESTRATOR})

_COUNT = "select type, count(*) from events where tenant = $1 and type <> 'JobTypeDefined' group by type order by type"


@asynccontextmanager
async def tidings(settings: Settings, roles: frozenset[str] = ROLES) -> AsyncIterator[str]:
    """The running service's address."""
    ready, stop = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        serving = asyncio.create_task(serve(settings, roles, ready, stop, sock=sock))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not serving.done()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        stop.set()
        await serving


@asynccontextmanager
async def by_http(url: str, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        yield Api(http, tenant, pool)


async def events(pool: Pool, tenant: str) -> Sequence[tuple[str, int]]:
    """How many of each type the log holds of a tenant."""
    return [(row["type"], row["count"]) for row in await pool.fetch(_COUNT, tenant)]


def export(**more: object) -> bytes:
    """A submit's body."""
    return json.dumps({"type": EXPORT, "owner": "ann", **more}).encode()


class Sender:
    """A product service of one tenant: commands out, rejections in."""

    def __init__(self, js: JetStreamContext, tenant: str) -> None:
        self._js = js
        self._tenant = tenant

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Rejections"]:
        await ensure_queue(self._js, 1)
        subscription = await self._js.subscribe(subjects.rejections(self._tenant), ordered_consumer=True)
        yield Rejections(subscription)
        await subscription.unsubscribe()

    async def send(self, verb: str, body: bytes, command_id: str | None = None, **headers: str) -> None:
        given = {**headers, **({"Nats-Msg-Id": command_id} if command_id else {})}
        await self._js.publish(subjects.command(self._tenant, verb), body, headers=given or None)


class Rejections:
    def __init__(self, subscription: JetStreamContext.PushSubscription) -> None:
        self._subscription = subscription

    async def next(self) -> Json:
        msg = await self._subscription.next_msg(timeout=WAIT_S)
        found: Json = json.loads(msg.data)
        return found


class Answer(NamedTuple):
    """A micro service's reply."""

    status: int
    body: Json
    headers: Mapping[str, str]


class Caller:
    """A client of the micro service, for one tenant."""

    def __init__(self, client: Client, tenant: str) -> None:
        self._client = client
        self._tenant = tenant

    async def ask(self, verb: str, body: object = None, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        msg: Msg = await self._client.request(
            subjects.api(self._tenant, verb), data, timeout=WAIT_S, headers=headers or None
        )
        found = msg.headers or {}
        return Answer(int(found["Status"]), json.loads(msg.data) if msg.data else {}, found)
