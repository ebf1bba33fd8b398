"""How long the work itself takes: opinions on one job, from its owner's last jobs of this size to all of its type."""

import math

from projections.waits.curve import Curve, factor_of, log_size
from projections.waits.experts import Opinion, Shelf
from projections.waits.windows import UNIT

LEVELS = 6
START = 1.0  # a level's score before it is known
OWN = 4
_BUCKET = math.log(2)


def owner_key(kind: int, owner: str) -> str:
    """Of the cell that knows an owner's factor."""
    return f"{kind} w4 {owner}"


def opinions(shelf: Shelf, kind: int, curve: Curve, owner: str, size: float | None) -> list[Opinion]:
    """Windows of the raw times by owner and size; the curve, alone, with the latest level, with the owner's factor."""
    bucket = round(log_size(size) / _BUCKET)
    own = owner_key(kind, owner)
    at = curve.at(curve.place(size))
    factor = factor_of(shelf.look(own))
    latest = round((at + factor + curve.level) * UNIT)
    return [
        (0, f"{kind} w0 {bucket} {owner}", 0, 24),
        (1, f"{kind} w1 {bucket}", 0, 60),
        (2, f"{kind} w2", round(at * UNIT), 200),
        (3, f"{kind} w3", latest, 200),
        (OWN, own, round((at + factor) * UNIT), 24),
        (5, f"{kind} w5", latest, 30),
    ]


def expected(curve: Curve, found: list[Opinion]) -> float:
    """Seconds by the curve with the owner's factor, for adding up a line."""
    return curve.seconds(found[OWN][2] / UNIT) if curve.count >= 3 else 60.0
