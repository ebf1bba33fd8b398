"""What is said, and how it is held: the displayed range learns from its own misses, each side apart.

Adaptive conformal inference (Gibbs and Candès, 2021) with the quantile tracking of Angelopoulos, Candès and Tibshirani
("Conformal PID Control for Time Series Prediction", 2023), on what was shown after rounding. Choosing the narrow ranges
alone would break the promise: a range that may not be shown is followed all the same, and ranges are shown only while
those like them held.
"""

from msgspec import Struct

from projections.waits.steps import LEAST, STEPS, nearest, step_range

GAIN = 60.0  # thousandths of log time for one miss
LOW_MOST, HIGH_MOST = -1000.0, 2500.0
WIDEST = 24
VAGUE = 11_500.0  # of log time between low and high: a bound 300 times beyond the middle tells nothing
SIBLING_LEAST = 0.2  # the least a sibling's outcome counts, see `follow`
TRUST_MEMORY, TRUST_PRIOR = 100, 20
UNTRIED = 0.6  # trust of a line before it was seen: waits are hard, so ranges must first hold unsaid
TRUSTED = 0.76  # ranges are shown while this share of them held
LEAK = 1 / 20_000  # of the widening, at each answer that was no range: a type that shows none is tried again


class Aims(Struct, frozen=True):
    """How often answers may miss: each side of a range, and a bound. `again`: the share from which ranges are shown.

    `apart`: bounds learn from bounds alone.
    """

    miss: float = 0.08
    bound_miss: float = 0.08
    again: float = TRUSTED
    apart: bool = False


PLAIN = Aims()


class Stated(Struct, frozen=True, array_like=True):
    """One answer in seconds, as shown. `low` None: an upper bound. `kept_…`: a range that was not shown."""

    low: int | None
    high: int
    kept_low: int | None = None
    kept_high: int | None = None


class Promise(Struct):
    """How far the answers of one kind are moved in log time so that they hold: `low` down, `high` up.

    `bound`: what is said as a bound up, where that is learnt apart.
    """

    low: float = 0.0
    high: float = 0.0
    bound: float = 0.0
    trust: float = 0.84
    shown: bool = True  # whether its ranges are said
    tried: int = 0
    owner: str = ""
    run: int = 0

    def moved(self, low: float, high: float, more: float = 0.0, part: float = 1.0) -> tuple[float, float]:
        """A range in log time, as it must be for its word.

        `more`: wider, as many share its fate. `part`: so much of what was learnt.
        """
        return low - part * self.low - more, high + part * self.high + more

    def stated(self, low: float, high: float, more: float = 0.0) -> "Stated | None":
        """What is shown of a range in log time where bounds learn apart."""
        found = state(*self.moved(low, high, more), trusted=self.shown)
        if found is None or found.low is not None:
            return found
        return Stated(None, STEPS[nearest(high + self.bound + more)], found.kept_low, found.kept_high)


def state(low: float, high: float, *, trusted: bool = True) -> Stated | None:
    """Round a moved range in log time to what is shown."""
    if high - low > VAGUE:
        return None
    if low >= LEAST:
        first, last = step_range(low, high)
        if last <= WIDEST * first:
            return Stated(first, last) if trusted else Stated(None, STEPS[nearest(high)], first, last)
    return Stated(None, STEPS[nearest(high)])


def follow(
    promise: Promise,
    stated: Stated,
    seconds: float,
    owner: str | None = None,
    aims: Aims = PLAIN,
    part: float = 1.0,
) -> None:
    """Take in the outcome of one answer, of which so much was this promise's `part`.

    With `owner`: the n-th of one owner's in a row counts 1/n, as they share their fate.
    """
    gain = GAIN * part
    if owner is not None:
        promise.run = promise.run + 1 if promise.owner == owner else 1
        promise.owner = owner
        gain *= max(SIBLING_LEAST, 1 / promise.run)
    ranged = stated.low is not None
    low, high = (stated.low, stated.high) if ranged else (stated.kept_low, stated.kept_high)
    if ranged or not aims.apart:
        above = aims.miss if ranged else aims.bound_miss
        promise.high = _within(promise.high + gain * ((seconds > stated.high) - above))
    else:
        promise.bound = _within(promise.bound + gain * ((seconds > stated.high) - aims.bound_miss))
        if high is not None:
            promise.high = _within(promise.high + gain * ((seconds > high) - aims.miss))
    if low is None or high is None:
        promise.low -= LEAK * promise.low
        return
    promise.low = _within(promise.low + gain * ((seconds < low) - aims.miss))
    promise.tried = min(promise.tried + 1, TRUST_MEMORY - TRUST_PRIOR)
    promise.trust += ((low <= seconds <= high) - promise.trust) / (TRUST_PRIOR + promise.tried)
    promise.shown = promise.trust >= (TRUSTED if promise.shown else aims.again)


def _within(moved: float) -> float:
    return max(LOW_MOST, min(HIGH_MOST, moved))
