"""The last events of a partition in memory, so that who follows a little behind needs not read them again.

Under load a follower is some appends behind the log. What this process has appended itself is sealed and decoded
already; a page of it from PostgreSQL would be read and decoded anew by each follower (docs/performance.md).
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from eventstore.append import Batch, Row
from schemas.envelope import Recorded

T = TypeVar("T")

MOST_BYTES = 4 * 1024 * 1024  # of lines, in each partition


class Recent:
    """Committed batches without a gap between them, the oldest let go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._batches: deque[Batch] = deque()
        self._bytes = 0

    def add(self, batch: Batch) -> None:
        if self._batches and self._batches[-1].head != batch.before:  # another process came in between
            self._batches.clear()
            self._bytes = 0
        self._batches.append(batch)
        self._bytes += batch.size
        while self._bytes > self._most_bytes:
            self._bytes -= self._batches.popleft().size

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """The next events; none where they are not at hand, which says nothing of the log."""
        return self._page(after, limit, lambda batch: batch.recorded)

    def rows(self, after: int, limit: int) -> list[Row]:
        """The same, sealed."""
        return self._page(after, limit, lambda batch: batch.rows)

    def _page(self, after: int, limit: int, of: Callable[[Batch], list[T]]) -> list[T]:
        found: list[T] = []
        for batch, first in self._behind(after):
            found += of(batch)[first : first + limit - len(found)]
            if len(found) >= limit:
                break
        return found

    def _behind(self, after: int) -> Iterator[tuple[Batch, int]]:
        """Each batch that goes on behind `after`, and the place in it where that begins."""
        if not self._batches or after < self._batches[0].before:
            return
        for batch in self._batches:
            if batch.head > after:
                yield batch, max(0, after - batch.before)
