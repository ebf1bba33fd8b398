"""Messages to streams that may each be refused: on their way together, each with an answer of its own, by one inbox.

A request for each of them (`JetStreamContext.publish`) was a quarter of what a service does while jobs are drained.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import NoStreamResponseError

ANSWER_MAX_S = 5.0


class Asking(NamedTuple):
    subject: str
    body: bytes
    headers: dict[str, str]


class Refusal(Struct, frozen=True):
    """Why the stream did not take a message, in the server's words and number."""

    code: int
    err_code: int = 0
    description: str = ""


class Answer(Struct, frozen=True):
    """Where in its stream a message stands; `error` where it was not taken."""

    seq: int = 0
    error: Refusal | None = None


_answer = msgspec.json.Decoder(Answer)


class Answers:
    """The inbox of a client that others use too, for as long as the `async with` lasts."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._number = 0
        self._subscription: Subscription

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if not self._client.is_closed:
            await self._subscription.unsubscribe()

    async def publish(self, messages: Sequence[Asking]) -> list[Answer]:
        """Send all, then wait for all their answers, in the messages' order.

        Raises TimeoutError where NATS gives no answer, NoStreamResponseError where no stream takes a subject.
        """
        waiting = {self._next(): message for message in messages}
        futures = {number: asyncio.get_running_loop().create_future() for number in waiting}
        self._waiting |= futures
        try:
            for number, (subject, body, headers) in waiting.items():
                await self._client.publish(subject, body, reply=f"{self._inbox}.{number}", headers=headers)
            async with asyncio.timeout(ANSWER_MAX_S):
                return list(await asyncio.gather(*futures.values()))
        finally:
            self._forget(futures)

    def _next(self) -> str:
        self._number += 1
        return str(self._number)

    def _forget(self, futures: Mapping[str, asyncio.Future[Answer]]) -> None:
        for number, future in futures.items():
            del self._waiting[number]
            if future.done() and not future.cancelled():
                future.exception()  # looked at: the first of them was told already

    async def _hear(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        if message.data:
            future.set_result(_answer.decode(message.data))
        else:
            future.set_exception(NoStreamResponseError())
