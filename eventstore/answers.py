"""Messages to streams that may each be refused: on their way together, each with an answer of its own, by one inbox.

A request for each of them (`JetStreamContext.publish`) was a quarter of what a service does while jobs are drained.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import NamedTuple

import msgspec
from msgspec import Struct
from nats.js.errors import NoStreamResponseError

from eventstore.inbox import Inbox
from eventstore.publishing import BulkClient

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


class Answers(Inbox):
    """One answer for each message."""

    def __init__(self, client: BulkClient) -> None:
        super().__init__(client)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count()

    async def publish(self, messages: Sequence[Asking]) -> list[Answer]:
        """Send all, then wait for all their answers, in the messages' order.

        Raises TimeoutError where NATS gives no answer, NoStreamResponseError where no stream takes a subject.
        """
        waiting = {next(self._numbers): message for message in messages}
        futures = {number: asyncio.get_running_loop().create_future() for number in waiting}
        self._waiting |= futures
        try:
            await self._client.publish_all(
                (subject, self.reply(number), headers, body) for number, (subject, body, headers) in waiting.items()
            )
            async with asyncio.timeout(ANSWER_MAX_S):
                return [await each for each in futures.values()]
        finally:
            self._forget(futures)

    def _forget(self, futures: Mapping[int, asyncio.Future[Answer]]) -> None:
        for number, future in futures.items():
            del self._waiting[number]
            if future.done() and not future.cancelled():
                future.exception()  # looked at: the first of them was told already

    def _hear(self, number: int, data: bytes) -> None:
        future = self._waiting.get(number)
        if future is None or future.done():
            return
        if data:
            future.set_result(_answer.decode(data))
        else:
            future.set_exception(NoStreamResponseError())
