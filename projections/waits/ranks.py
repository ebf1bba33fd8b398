"""One line in the order of claiming, for as many jobs as there are: who leaves at its head costs nothing more."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

Rank = tuple[int, datetime, str]  # the order of claiming: priority, then age, then id

CLEARED = 1024  # places at the head that are left empty before they are cut off


class Ranks:
    """Sorted; jobs come at its end and leave at its head, nearly always."""

    __slots__ = ("_first", "_ranks")

    def __init__(self) -> None:
        self._ranks: list[Rank] = []
        self._first = 0  # what stands before it has left

    def __len__(self) -> int:
        return len(self._ranks) - self._first

    def __iter__(self) -> Iterator[Rank]:
        return islice(self._ranks, self._first, None)

    def put(self, rank: Rank) -> None:
        insort(self._ranks, rank, self._first)

    def drop(self, rank: Rank) -> None:
        """Nothing where it is not there."""
        at = bisect_left(self._ranks, rank, self._first)
        if at == len(self._ranks) or self._ranks[at] != rank:
            return
        if at > self._first:
            del self._ranks[at]
            return
        self._first += 1
        if self._first > CLEARED and self._first > len(self):
            del self._ranks[: self._first]
            self._first = 0

    def before(self, rank: Rank) -> int:
        """How many are claimed first."""
        return bisect_left(self._ranks, rank, self._first) - self._first
