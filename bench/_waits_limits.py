"""What the waits are held against: one row for each limit, with what each trace reached and whether it holds."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from projections.waits.evaluate import Part
from projections.waits.judge import Score
from projections.waits.promise import WIDEST

PRODUCT_TYPES = frozenset({"interactive", "express"})  # of SDSC: people wait for these

Value = float | None


class Limit(Struct, frozen=True):
    """Of one part (`what`). `where`: on which traces; a share unless `plain`. None holds: nothing was said."""

    name: str
    what: str
    value: Callable[[Score], Value]
    least: Value = None
    most: Value = None
    where: str = "all"  # all | synthetic | product
    plain: bool = False

    def wanted(self) -> str:
        shown = str if self.plain else _percent
        if self.least is not None and self.most is not None:
            return f"{shown(self.least)} to {shown(self.most)}"
        return f"≥ {shown(self.least)}" if self.least is not None else f"≤ {shown(self.most)}"

    def holds(self, value: Value) -> bool:
        if value is None:
            return True
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def text(self, value: Value) -> str:
        if value is None:
            return "–"
        shown = f"{value:.2f}" if self.plain else f"{value:.1%}"
        return shown if self.holds(value) else f"{shown} missed"


def _of(what: str, most_held: float) -> tuple[Limit, ...]:
    return (
        Limit(f"{what}: ranges held", what, lambda score: score.held, 0.80, most_held),
        Limit(f"{what}: came sooner", what, lambda score: score.below, most=0.14),
        Limit(f"{what}: came later", what, lambda score: score.above, most=0.14),
        Limit(f"{what}: lowest tenth by size", what, lambda score: min(score.deciles, default=None), 0.72),
        Limit(f"{what}: bounds held", what, lambda score: score.bounds_held, 0.88, 0.95),
        Limit(f"{what}: worst 200 in a row", what, lambda score: score.worst_stretch, 0.65, where="synthetic"),
        Limit(f"{what}: widest", what, lambda score: score.widest, most=WIDEST, plain=True),
        Limit(f"{what}: score ÷ recent", what, lambda score: _ratio(score, score.score_recent), most=1.0, plain=True),
        Limit(f"{what}: score ÷ mean", what, lambda score: _ratio(score, score.score_mean), most=1.0, plain=True),
    )


def _restated(what: str, most_held: float) -> tuple[Limit, ...]:
    return tuple(limit for limit in _of(what, most_held) if "held" in limit.name or "came" in limit.name)


LIMITS = (
    *_of("work", 0.88),
    *_of("work_at_start", 0.88),
    *_of("queue", 0.92),
    Limit("queue_line: bounds held", "queue_line", lambda score: score.bounds_held, 0.88, 0.95),
    *_restated("work_later", 0.88),
    *_restated("queue_later", 0.92),
    Limit("work: range or bound", "work", lambda score: 1 - score.none, 0.80, where="product"),
    Limit("queue: range or bound", "queue", lambda score: 1 - score.none, 0.70, where="product"),
    Limit("work: median high ÷ low", "work", lambda score: score.width, most=3.5, where="synthetic", plain=True),
)


def verdicts(traces: dict[str, list[Part]]) -> tuple[list[list[str]], int]:
    """Rows of a table, head first, and how many limits are missed. SDSC's product types stand apart."""
    columns = [(name, _scores(parts, None)) for name, parts in traces.items()]
    product = [
        (f"{name.partition('-')[0]} {kind}", _scores(parts, kind))
        for name, parts in traces.items()
        for kind in sorted(PRODUCT_TYPES & {part.type for part in parts if part.type})
    ]
    rows = [["limit", "wanted", *(name for name, _ in (*columns, *product))]]
    missed = 0
    for limit in LIMITS:
        row = [limit.name, limit.wanted()]
        for place, (name, scores) in enumerate((*columns, *product)):
            if not _asked(limit, name, product=place >= len(columns)):
                row.append("")
                continue
            value = limit.value(scores[limit.what])
            missed += not limit.holds(value)
            row.append(limit.text(value))
        rows.append(row)
    return rows, missed


def _asked(limit: Limit, name: str, *, product: bool) -> bool:
    synthetic = name.startswith("synthetic")
    if limit.where == "product":
        return synthetic or product
    return not product and (limit.where == "all" or synthetic)


def _scores(parts: Sequence[Part], kind: str | None) -> dict[str, Score]:
    return {part.what: part.score for part in parts if part.type == kind}


def _ratio(score: Score, baseline: Value) -> Value:
    return None if score.score is None or not baseline else score.score / baseline


def _percent(value: Value) -> str:
    return f"{value:.0%}"
