"""The last events of a partition and the jobs they are of, for followers that are a little behind the log.

Under load each is, by some appends. What this process has appended itself is sealed, decoded and folded already; a page
of it from PostgreSQL would be read and decoded anew by each of them (docs/performance.md).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import TypeVar

from eventstore.append import Batch, Row
from schemas.envelope import Recorded
from schemas.job import Job

T = TypeVar("T")

MOST_BYTES = 4 * 1024 * 1024  # of lines, in each partition


class Recent:
    """Committed batches without a gap between them, the oldest let go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._batches: deque[Batch] = deque()
        self._bytes = 0
        self._jobs: dict[str, Job] = {}

    def add(self, batch: Batch) -> None:
        if self._batches and self._batches[-1].head != batch.before:  # another process came in between
            self._batches.clear()
            self._jobs.clear()
            self._bytes = 0
        self._batches.append(batch)
        self._jobs |= batch.jobs
        self._bytes += batch.size
        while self._bytes > self._most_bytes:
            self._let_go(self._batches.popleft())

    def _let_go(self, batch: Batch) -> None:
        self._bytes -= batch.size
        for id_, job in batch.jobs.items():
            if self._jobs[id_] is job:  # no later batch changed it
                del self._jobs[id_]

    def recorded(self, after: int, limit: int) -> list[Recorded]:
        """The next events; none where they are not at hand, which says nothing of the log."""
        return self._page(after, limit, lambda batch: batch.recorded)

    def rows(self, after: int, limit: int) -> list[Row]:
        """The same, sealed."""
        return self._page(after, limit, lambda batch: batch.rows)

    def jobs(self, ids: Iterable[str]) -> list[Job]:
        """The jobs of events that `recorded` gave in the same turn of the loop, as they stand after all at hand."""
        return [self._jobs[each] for each in ids]

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
        behind = list(takewhile(lambda batch: batch.head > after, reversed(self._batches)))  # most often the last few
        for batch in reversed(behind):
            yield batch, max(0, after - batch.before)
