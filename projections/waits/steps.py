"""The numbers people say: what is shown, and judged, is always one of these."""

from bisect import bisect_left

from projections.waits.windows import log_of

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
STEPS: tuple[int, ...] = (
    *(10, 15, 20, 30, 45),
    *(_MINUTE * n for n in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45)),
    *(_HOUR * n for n in (1, 2, 3, 4, 5, 6, 8, 10, 12, 18)),
    *(_DAY * n for n in (1, 2, 3, 4, 5, 6, 8, 10, 14, 21, 30, 45, 60, 90)),
)
LOGS = tuple(log_of(step) for step in STEPS)
LEAST = log_of(7)  # a lower end below this is not said: "within 20 seconds"


def nearest(log_time: float) -> int:
    """The index of the step that is nearest by factor."""
    if log_time <= LOGS[0]:
        return 0
    at = bisect_left(LOGS, log_time)
    if at == len(LOGS) or (at and log_time - LOGS[at - 1] <= LOGS[at] - log_time):
        return at - 1
    return at


def step_range(low: float, high: float) -> tuple[int, int]:
    """Low and high step of a range in log time, never the same one."""
    first, last = nearest(low), nearest(high)
    if last > first:
        return STEPS[first], STEPS[last]
    if first + 1 < len(STEPS) and (first == 0 or high - LOGS[first] > LOGS[first] - low):
        return STEPS[first], STEPS[first + 1]
    return STEPS[first - 1], STEPS[first]


def step_after(seconds: float) -> int:
    """The first step that is longer than a time."""
    return STEPS[min(bisect_left(STEPS, seconds * 1.0001), len(STEPS) - 1)]
