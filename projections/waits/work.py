"""How long the work itself takes: opinions on one job, from its owner's last jobs of this size to all of its type."""

import math

from projections.waits.curve import Curve, factor_of, log_size
from projections.waits.experts import Opinion, Shelf
from projections.waits.windows import UNIT

LEVELS = 8
START = 1.0  # a level's score before it is known
_BUCKET = math.log(2)


def owner_key(kind: int, owner: str) -> str:
    return f"{kind} w1 {owner}"


def opinions(shelf: Shelf, kind: int, curve: Curve, owner: str, size: float | None) -> list[Opinion]:
    """Curve, owner's factor, latest level; and windows of the raw times by owner and size, which need no curve."""
    bucket = round(log_size(size) / _BUCKET)
    own = owner_key(kind, owner)
    x = curve.place(size)
    at = curve.at(x)
    factor = factor_of(shelf.look(own))
    plain, owned = round(at * UNIT), round((at + factor) * UNIT)
    latest = round((at + factor + curve.level) * UNIT)
    return [
        (0, f"{kind} w0 {bucket} {owner}", 0, 24),
        (1, own, round(curve.slope() * x * UNIT), 24),
        (2, f"{kind} w2 {bucket}", 0, 60),
        (3, f"{kind} w3", plain, 200),
        (4, f"{kind} w4", owned, 200),
        (5, f"{kind} w5", latest, 200),
        (6, f"{kind} w6 {owner}", owned, 24),
        (7, f"{kind} w7", latest, 30),
    ]


def expected(shelf: Shelf, kind: int, curve: Curve, owner: str, size: float | None) -> float:
    """Seconds, for adding up a line."""
    if curve.count < 3:
        return 60.0
    return math.exp(min(curve.at(curve.place(size)) + factor_of(shelf.look(owner_key(kind, owner))), 14.0))
