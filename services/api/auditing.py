"""What the calls of auditors work with: who makes checkpoints, and the tails that wake a reader who follows."""

import asyncio
from collections.abc import Mapping

from eventstore.audit.checkpoints import Makers
from eventstore.tail import Tail


class Auditing:
    """Made once for a process. `close` ends every wait."""

    def __init__(self, makers: Makers, tails: Mapping[int, Tail]) -> None:
        self.makers = makers
        self.tails = tails
        self.closed = False
        self._waiting: set[asyncio.Event] = set()

    def close(self) -> None:
        """Whoever follows is let go."""
        self.closed = True
        for event in self._waiting:
            event.set()

    async def moved(self, partition: int, position: int) -> bool:
        """Wait until a partition is beyond a position. False: the service ends."""
        stir = asyncio.Event()
        self._waiting.add(stir)
        stop = self.tails[partition].subscribe(lambda _: stir.set())
        try:
            while not self.closed and self.tails[partition].position <= position:
                stir.clear()
                await stir.wait()
        finally:
            stop()
            self._waiting.discard(stir)
        return not self.closed
