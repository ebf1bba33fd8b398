"""Where answers to many messages come in: one subscription of a client that others use too."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from eventstore.publishing import BulkClient


class Inbox(ABC):
    """For as long as the `async with` lasts. A message's answer comes to `reply(number)`."""

    def __init__(self, client: BulkClient) -> None:
        self._client = client
        self._inbox = client.new_inbox()
        self._subscription: Subscription

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._answered)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if not self._client.is_closed:
            await self._subscription.unsubscribe()

    def reply(self, number: int) -> str:
        return f"{self._inbox}.{number}"

    async def _answered(self, message: Msg) -> None:
        self._hear(int(message.subject.rpartition(".")[2]), message.data)

    @abstractmethod
    def _hear(self, number: int, data: bytes) -> None:
        """No data: no stream takes the message's subject."""
