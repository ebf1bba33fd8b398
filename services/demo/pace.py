"""A demo's jobs would be over before anybody has seen a state, so they take a small rest after each real chunk."""

import asyncio
import time


class Pace:
    """Spreads the work over at least `seconds`. It only ever rests: slow work is not made to look quicker."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.monotonic()

    async def reach(self, share: float) -> None:
        """Rest until this share (0 to 1) of the time has passed."""
        await asyncio.sleep(max(0.0, self.rest_s(share, time.monotonic())))

    def rest_s(self, share: float, now: float) -> float:
        return self._began + self._seconds * share - now
