"""How well answers held: what the table of `tidings waits evaluate` and the calibration report count."""

import math
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from projections.waits.promise import Stated
from projections.waits.windows import FLOOR_S

ALPHA = 0.2  # of the interval score: 80 % are promised
STRETCH = 200
DECILES = 10

Pair = tuple[float, float]


class Answer(Struct, frozen=True):
    """What was said of one duration, what came, and what the two plain baselines would have said."""

    size: float | None
    seconds: float
    stated: Stated | None
    recent: Pair | None = None  # P10 to P90 of the last 50 of the type
    mean: Pair | None = None  # mean of the last 50, ± 50 %


class Score(Struct, frozen=True, kw_only=True):
    """Shares of 1, None where nothing was said. Widths are high ÷ low; scores are in log seconds, lower is better."""

    answers: int
    ranges: float
    bounds: float
    none: float
    held: float | None  # of the two-sided ranges
    below: float | None
    above: float | None
    bounds_held: float | None
    width: float | None  # median
    widest: float | None
    worst_stretch: float | None  # lowest share held in any 200 ranges in a row
    deciles: list[float]  # held, by size of job
    calibration_error: float | None  # mean distance of the deciles from what all hold
    score: float | None
    score_recent: float | None  # of the baselines, on the same jobs
    score_mean: float | None
    held_recent: float | None
    held_mean: float | None


def judge(answers: Sequence[Answer]) -> Score:
    """Score answers in the order in which they were given."""
    ranged = [each for each in answers if each.stated and each.stated.low is not None]
    bounds = [each for each in answers if each.stated and each.stated.low is None]
    pairs = [(each, _pair(each.stated)) for each in ranged if each.stated]
    held = [low <= each.seconds <= high for each, (low, high) in pairs]
    widths = sorted(high / low for _, (low, high) in pairs)
    deciles = _deciles(ranged)
    all_held = _share(held)
    return Score(
        answers=len(answers),
        ranges=len(ranged) / max(1, len(answers)),
        bounds=len(bounds) / max(1, len(answers)),
        none=1 - (len(ranged) + len(bounds)) / max(1, len(answers)),
        held=all_held,
        below=_share([each.seconds < low for each, (low, _) in pairs]),
        above=_share([each.seconds > high for each, (_, high) in pairs]),
        bounds_held=_share([each.seconds <= each.stated.high for each in bounds if each.stated]),
        width=widths[len(widths) // 2] if widths else None,
        widest=widths[-1] if widths else None,
        worst_stretch=worst_stretch(held),
        deciles=deciles,
        calibration_error=_mean([abs(share - all_held) for share in deciles]) if all_held is not None else None,
        score=_mean([interval_score(pair, each.seconds) for each, pair in pairs]),
        score_recent=_mean([interval_score(each.recent, each.seconds) for each in ranged if each.recent]),
        score_mean=_mean([interval_score(each.mean, each.seconds) for each in ranged if each.mean]),
        held_recent=_share([each.recent[0] <= each.seconds <= each.recent[1] for each in answers if each.recent]),
        held_mean=_share([each.mean[0] <= each.seconds <= each.mean[1] for each in answers if each.mean]),
    )


def interval_score(pair: Pair, seconds: float) -> float:
    low, high, came = (math.log(max(FLOOR_S, each)) for each in (*pair, seconds))
    return high - low + 2 / ALPHA * (max(0.0, low - came) + max(0.0, came - high))


def worst_stretch(held: Sequence[bool], length: int = STRETCH) -> float | None:
    """The lowest share of any so many in a row. None where there are fewer."""
    if len(held) < length:
        return None
    count = worst = sum(held[:length])
    for at in range(length, len(held)):
        count += held[at] - held[at - length]
        worst = min(worst, count)
    return worst / length


def _deciles(ranged: Sequence[Answer]) -> list[float]:
    if len(ranged) < STRETCH:
        return []
    ordered = sorted(ranged, key=lambda each: each.size or 0.0)
    cuts = [part * len(ordered) // DECILES for part in range(DECILES + 1)]
    parts = (ordered[first:last] for first, last in pairwise(cuts))
    return [sum(_held(each) for each in part) / len(part) for part in parts]


def _held(answer: Answer) -> bool:
    low, high = _pair(answer.stated) if answer.stated else (0.0, math.inf)
    return low <= answer.seconds <= high


def _pair(stated: Stated) -> Pair:
    return float(stated.low or 0), float(stated.high)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
