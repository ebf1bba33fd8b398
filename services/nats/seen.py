"""Where each job's last status stands in the stream, as far as this process has seen it.

Bounded: whose status is the oldest goes first, and few are kept of jobs that have ended, as hardly any of them is told
of again. A hundred thousand and more may be open, so they are kept small: numbers by numbers.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from eventstore.remembered import forget_oldest

ENDED_PART = 8  # of the bound, one in so many is for jobs that have ended

_VERSION_BITS = 32


class Place(NamedTuple):
    """What stands on a job's subject."""

    sequence: int
    version: int
    stays: bool = False  # the server won't take it away: the job has not ended


EMPTY = Place(0, 0)


class Seen:
    """By job. At most `most` are kept of those that are open or have no status yet."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[int, int] = {}
        self._ended: dict[int, int] = {}

    def __contains__(self, job: str) -> bool:
        number = _number(job)
        return number in self._open or number in self._ended

    def __getitem__(self, job: str) -> Place:
        """Raises KeyError."""
        number = _number(job)
        packed = self._open.get(number)
        return _place(self._ended[number] if packed is None else packed)

    def put(self, job: str, place: Place) -> None:
        number = _number(job)
        self._open.pop(number, None)  # it is the newest now
        self._ended.pop(number, None)
        ended = place.sequence and not place.stays
        packed = (place.sequence << _VERSION_BITS | place.version) << 1 | place.stays
        (self._ended if ended else self._open)[number] = packed

    def pop(self, job: str) -> Place:
        """Raises KeyError."""
        number = _number(job)
        packed = self._open.pop(number, None)
        return _place(self._ended.pop(number) if packed is None else packed)

    def clear(self) -> None:
        self._open.clear()
        self._ended.clear()

    def shorten(self) -> None:
        """Forget those beyond the most that are kept."""
        forget_oldest(self._open, self._most)
        forget_oldest(self._ended, max(1, self._most // ENDED_PART))

    def places(self) -> Iterator[Place]:
        return map(_place, chain(self._open.values(), self._ended.values()))


def _number(job: str) -> int:
    return int(job.replace("-", ""), 16)  # a fifth of what uuid.UUID takes


def _place(packed: int) -> Place:
    rest = packed >> 1
    return Place(rest >> _VERSION_BITS, rest & (1 << _VERSION_BITS) - 1, bool(packed & 1))
