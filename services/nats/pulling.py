"""A durable consumer's messages as they come: asked for ahead of their use, taken as many as there are.

nats-py's own `fetch` takes a message that has a header `Status` for a word of the server; here the server is told by
its missing reply subject, so that no sender can get a message lost or stop the queue.
"""

import asyncio
from typing import Self

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

EXPIRES_S = 10.0  # of one request for messages
GRACE_S = 2.0  # beyond it, the request itself was lost
LOOK_S = 1.0  # between two looks whether it was

_NANOS = 1_000_000_000
_PENDING = "Nats-Pending-Messages"


class Lost(Exception):
    """The consumer is gone, or can't be reached where it was."""


class Pull:
    """At most `ahead` messages are under way to here, besides those that were taken last."""

    def __init__(self, client: Client, stream: str, consumer: str, *, ahead: int) -> None:
        self._client = client
        self._ask_on = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._ahead = ahead
        self._asked = 0
        self._asked_at = 0.0
        self._reconnects = 0  # of the client, when it asked: a server that was away has forgotten the request
        self._there: list[Msg] = []
        self._stirred = asyncio.Event()
        self._lost: str | None = None
        self._ended = False
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        """What is here and was not taken goes back at once, to whoever else is there."""
        if self._subscription and not self._client.is_closed:
            await self._subscription.unsubscribe()
            for msg in self._there:
                await msg.nak()

    async def take(self) -> list[Msg]:
        """All messages that are there, at least one; none once it is ended. Raises Lost."""
        while not self._ended:
            if self._lost is not None:
                raise Lost(self._lost)
            taken, self._there = self._there, []
            await self._ask()
            if taken:
                return taken
            await self._wait()
        return []

    def end(self) -> None:
        """Take no more."""
        self._ended = True
        self._stirred.set()

    async def _ask(self) -> None:
        if self._asked > self._ahead // 2:
            return
        wanted = self._ahead - self._asked
        self._asked, self._asked_at = self._ahead, asyncio.get_running_loop().time()
        self._reconnects = self._client.stats["reconnects"]
        request = msgspec.json.encode({"batch": wanted, "expires": int(EXPIRES_S * _NANOS)})
        await self._client.publish(self._ask_on, request, reply=self._inbox)

    async def _wait(self) -> None:
        self._stirred.clear()
        if self._there or self._lost is not None or self._ended:
            return
        try:
            async with asyncio.timeout(LOOK_S):
                await self._stirred.wait()
        except TimeoutError:
            late = asyncio.get_running_loop().time() > self._asked_at + EXPIRES_S + GRACE_S
            if late or self._client.stats["reconnects"] != self._reconnects:
                self._asked = 0

    async def _hear(self, msg: Msg) -> None:
        if msg.reply:
            self._there.append(msg)
            self._asked -= 1
        else:
            self._hear_server(msg.headers or {})
        self._stirred.set()

    def _hear_server(self, headers: dict[str, str]) -> None:
        """408: a request has run out, some of its messages never came. All else means that there is nobody to ask."""
        if headers.get("Status") == "408":
            self._asked -= int(headers.get(_PENDING, self._asked))
        else:
            self._lost = f"{headers.get('Status')} {headers.get('Description', '')}".strip()
