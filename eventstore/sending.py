"""Sending to one stream in order: many messages on their way at once, one acknowledgement for a whole chunk.

Every message names the sequence that must come before it. One that is refused or lost so refuses all after it, and the
acknowledgement of a chunk's last message proves that all of it is stored, each in its place.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType

import msgspec
from msgspec import Struct
from nats.js.api import Header

from eventstore.inbox import Inbox
from eventstore.outgoing import Message
from eventstore.publishing import BulkClient, Outbound

ANSWER_MAX_S = 4.0  # a chunk on a disk that syncs every write; a server that is gone is noticed by its connection


class Refused(Exception):
    """The stream did not take a message, most often as it stands elsewhere than was thought."""


_STREAM, _BEFORE = Header.EXPECTED_STREAM.value, Header.EXPECTED_LAST_SEQUENCE.value
_NOBODY = "no stream takes these messages"


class _Answer(Struct):
    seq: int = 0
    error: object = None


class Sender(Inbox):
    """Sends to one stream."""

    def __init__(self, client: BulkClient, stream: str) -> None:
        super().__init__(client)
        self._stream = stream
        self._flying: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for _, stored in self._flying:
            if not stored.cancel() and not stored.cancelled():
                stored.exception()  # seen: the first of them was told already
        await super().__aexit__(kind, error, at)

    async def send(self, messages: Sequence[Message]) -> None:
        """Publish a chunk, without waiting until it is stored."""
        last = messages[-1].position
        self._flying.append((last, asyncio.get_running_loop().create_future()))
        await self._client.publish_all(self._outbound(message, last) for message in messages)

    def _outbound(self, message: Message, last: int) -> Outbound:
        position, subject, body, headers = message
        headers[_STREAM] = self._stream
        headers[_BEFORE] = str(position - 1)
        return subject, self.reply(position) if position == last else "", headers, body

    async def stored(self, *, flying: int = 0) -> int | None:
        """Wait until at most `flying` chunks are not known to be stored; the last position that newly is.

        Raises Refused, and TimeoutError where NATS gives no answer.
        """
        position = None
        while len(self._flying) > flying:
            async with asyncio.timeout(ANSWER_MAX_S):
                await asyncio.shield(self._flying[0][1])
            position, _ = self._flying.popleft()
        return position

    def _hear(self, number: int, data: bytes) -> None:
        future = next((future for sent, future in self._flying if sent == number), None)
        if future is None or future.done():
            return
        answer = msgspec.json.decode(data, type=_Answer) if data else _Answer(error=_NOBODY)
        if answer.seq == number and not answer.error:
            future.set_result(None)
        else:
            future.set_exception(Refused(f"position {number}: {answer.error or answer.seq}"))
