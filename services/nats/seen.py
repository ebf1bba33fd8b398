"""Where each job's last status stands in the stream, as far as this process has seen it.

Bounded: whose status is the oldest goes first. A hundred thousand are kept, so they are kept small: numbers by numbers.
"""

from collections.abc import Iterator
from typing import NamedTuple

from eventstore.remembered import forget_oldest

_VERSION_BITS = 32


class Place(NamedTuple):
    """What stands on a job's subject."""

    sequence: int
    version: int
    stays: bool = False  # the server won't take it away: the job has not ended


EMPTY = Place(0, 0)


class Seen:
    """By job."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[int, int] = {}

    def __contains__(self, job: str) -> bool:
        return _number(job) in self._places

    def __getitem__(self, job: str) -> Place:
        """Raises KeyError."""
        return _place(self._places[_number(job)])

    def put(self, job: str, place: Place) -> None:
        key = _number(job)
        self._places.pop(key, None)  # it is the newest now
        self._places[key] = (place.sequence << _VERSION_BITS | place.version) << 1 | place.stays

    def pop(self, job: str) -> Place:
        """Raises KeyError."""
        return _place(self._places.pop(_number(job)))

    def clear(self) -> None:
        self._places.clear()

    def shorten(self) -> None:
        """Forget those beyond the most that are kept."""
        forget_oldest(self._places, self._most)

    def places(self) -> Iterator[Place]:
        return map(_place, self._places.values())


def _number(job: str) -> int:
    return int(job.replace("-", ""), 16)  # a fifth of what uuid.UUID takes


def _place(packed: int) -> Place:
    rest = packed >> 1
    return Place(rest >> _VERSION_BITS, rest & (1 << _VERSION_BITS) - 1, bool(packed & 1))
