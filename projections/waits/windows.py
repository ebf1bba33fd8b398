"""The last outcomes of one kind of job, kept sorted: quantiles of the recent past in constant time and little memory.

Times are log seconds in thousandths: 16 bits reach from a microsecond to longer than any job, errors are factors, and
integers give the same bytes on every machine.
"""

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

import msgspec

UNIT = 1000  # of a log second
FLOOR_S = 1.0  # nobody tells half a second from one
LIMIT = 32_000  # 16 bits
TAIL = 2.0  # below the lowest or above the highest of few values, gaps are about this much wider than inside


def log_of(seconds: float) -> int:
    """Log time of a duration, in thousandths."""
    return round(math.log(seconds) * UNIT) if seconds > FLOOR_S else 0


def seconds_of(log_time: float) -> float:
    return math.exp(log_time / UNIT)


class Window:
    """The newest `size` values: `recent` in the order they came, `ordered` by size (made anew when read)."""

    __slots__ = ("_usual", "ordered", "recent", "size")

    def __init__(self, size: int, recent: Iterable[int] = ()) -> None:
        self.size = size
        self.recent = array("h", recent)
        self.ordered = array("h", sorted(self.recent))
        self._usual: tuple[float, tuple[float, float] | None] | None = None  # the last spread of all of them

    def add(self, value: int) -> None:
        if not -LIMIT <= value <= LIMIT:
            value = LIMIT if value > 0 else -LIMIT
        if len(self.recent) >= self.size:
            del self.ordered[bisect_left(self.ordered, self.recent.pop(0))]
        self.recent.append(value)
        insort(self.ordered, value)
        self._usual = None

    def usual(self, tail: float) -> tuple[float, float] | None:
        """The values that leave `tail` below and above. None: fewer than two. Asked again and again, counted once."""
        known = self._usual
        if known is None or known[0] != tail:
            known = self._usual = tail, self.spread(tail)
        return known[1]

    def spread(self, tail: float, above: int | None = None) -> tuple[float, float] | None:
        """The values that leave `tail` of the rest below and above, of those past `above`. None: fewer than two."""
        ordered = self.ordered
        first = 0 if above is None else bisect_right(ordered, above)
        count = len(ordered) - first
        if count < 2:
            return None
        low, high = ordered[first], ordered[-1]
        rank = tail * (count + 1) - 1
        if rank <= 0:
            reach = rank * TAIL * (high - low) / (count - 1)
            return low + reach, high - reach
        at = int(rank)
        part = rank - at
        left = ordered[first + at]
        right = ordered[-1 - at]
        return (
            left + (ordered[first + at + 1] - left) * part,
            right + (ordered[-2 - at] - right) * part,
        )

    def share_above(self, value: int) -> float:
        """How much of the window lies above a value; 1 for an empty one."""
        count = len(self.ordered)
        return (count - bisect_right(self.ordered, value)) / count if count else 1.0


def plain(value: object) -> object:
    """msgspec's hook that writes a window. Raises NotImplementedError, as it expects, for anything else."""
    if isinstance(value, Window):
        return [value.size, list(value.recent)]
    raise NotImplementedError(type(value))


def made(kind: type, value: object) -> object:
    """The hook that reads what `plain` wrote."""
    if kind is Window:
        size, recent = msgspec.convert(value, tuple[int, list[int]])
        return Window(size, recent)
    raise NotImplementedError(kind)
