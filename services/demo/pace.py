"""A demo's jobs would be over before anybody has seen a state, so they take a small rest after each real chunk."""

import asyncio
import time

SLOW = 3.0  # how much longer a job takes whose settings ask for it, to see a slow morning


def pace_of(settings: object, seconds: float) -> "Pace":
    """The pace of a job: slower where its settings say so."""
    slow = isinstance(settings, dict) and settings.get("slow") is True
    return Pace(seconds * SLOW if slow else seconds)


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
