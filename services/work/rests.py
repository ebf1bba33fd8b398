"""Work that can wait gives way: after each page of it comes a rest, the longer the busier this process is otherwise."""

import time
from collections.abc import Callable

IDLE, BUSY = 1.0, 20.0  # rests in times of what a page took: beside nothing else, and where the process is never idle
MOST_S = 0.5  # so that however busy it is, the last page comes

Clock = Callable[[], float]  # in seconds


class Rests:
    """Between `end` and the next `begin` nothing of this work runs, so what the process does then is all else."""

    def __init__(self, now: Clock = time.monotonic, spent: Clock = time.process_time) -> None:
        self._now, self._spent = now, spent
        self._until: float | None = None
        self._began = self._ended = now()
        self._spent_at_end = spent()
        self._busy = 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the next page, none or less where it is due; None where no page waits."""
        return None if self._until is None else self._until - self._now()

    def begin(self) -> None:
        """A page begins."""
        self._began = self._now()
        apart_s = max(1e-3, self._began - self._ended)
        self._busy = min(1.0, (self._spent() - self._spent_at_end) / apart_s)

    def end(self, *, more: bool) -> None:
        """It is done; `more`: another one waits."""
        self._ended, self._spent_at_end = self._now(), self._spent()
        rest_s = (self._ended - self._began) * (IDLE + (BUSY - IDLE) * self._busy)
        self._until = self._ended + min(rest_s, MOST_S) if more else None
