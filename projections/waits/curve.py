"""Log duration as a smooth curve of log size, with each owner's usual factor on top: learnt one job at a time.

Recursive least squares with forgetting (Ljung and Söderström, "Theory and Practice of Recursive Identification", 1983):
the curve follows a system that changes. Errors are clipped, so that one job in fifty that takes ten times longer does
not bend it.
"""

import math

from msgspec import Struct, field

from projections.waits.experts import Cell
from projections.waits.windows import FLOOR_S, UNIT, log_of

FORGET = 1 - 1 / 400
CLIP = 2.5  # usual errors
VARIANCE_MAX = 20.0  # without news from large sizes, their uncertainty would grow for ever
OWNER_MEMORY = 12
OWNER_PRIOR = 1.0  # an owner's first job moves their factor half way
LEVEL_MEMORY = 12
LONGEST = 14.0  # log seconds
BRIEFEST_S, BRIEF_MEMORY = 0.01, 20
EDGE = 0.002  # how fast the shortest and longest seen are forgotten


class Curve(Struct):
    """`a + b·x + c·x²` with x = log size − `middle`; the covariance as its upper triangle."""

    count: int = 0
    middle: float = 0.0
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    covariance: list[float] = field(default_factory=lambda: [10.0, 0.0, 0.0, 1.0, 0.0, 0.3])
    error: float = 1.0  # usual absolute error
    level: float = 0.0  # of the last few jobs against the curve: a change of regime shows here first
    shortest: float = 0.0
    longest: float = 0.0
    brief: float = 1.0  # usual seconds of jobs of less than one: log time does not tell them apart, a line adds them up

    def place(self, size: float | None) -> float:
        return log_size(size) - self.middle

    def at(self, x: float) -> float:
        """Log seconds on the curve, never beyond what was seen."""
        return max(self.shortest, min(self.longest, self.a + (self.b + self.c * x) * x))

    def typical(self) -> float:
        """Seconds of a job of middle size; a minute before anything is known."""
        return self.seconds(self.a) if self.count else 60.0

    def seconds(self, log_seconds: float) -> float:
        """For adding up: true for brief jobs too."""
        return max(0.0, math.exp(min(log_seconds, LONGEST)) - 1.0) + self.brief

    def learn(self, size: float | None, owner: Cell, took: float) -> None:
        y = log_of(took) / UNIT
        if took < FLOOR_S:
            self.brief += (max(took, BRIEFEST_S) - self.brief) / BRIEF_MEMORY
        if self.count == 0:
            self.middle, self.a, self.shortest, self.longest = log_size(size), y, y, y
        self.count += 1
        x = self.place(size)
        span = self.longest - self.shortest
        self.shortest = min(y, self.shortest + EDGE * span)
        self.longest = max(y, self.longest - EDGE * span)
        error = y - self.at(x)
        factor = factor_of(owner)
        self.error += (min(abs(error), 3.0) - self.error) / min(self.count, 60)
        self._bend(x, _clipped(error, CLIP * self.error))
        owner.jobs = min(owner.jobs + 1, OWNER_MEMORY)
        owner.factor += (_clipped(error, 3 * self.error) - owner.factor) / owner.jobs
        self.level += (_clipped(error - factor, 3 * self.error) - self.level) / LEVEL_MEMORY

    def _bend(self, x: float, error: float) -> None:
        p00, p01, p02, p11, p12, p22 = self.covariance
        xx = x * x
        u0, u1, u2 = p00 + p01 * x + p02 * xx, p01 + p11 * x + p12 * xx, p02 + p12 * x + p22 * xx
        scale = FORGET + u0 + u1 * x + u2 * xx
        g0, g1, g2 = u0 / scale, u1 / scale, u2 / scale
        self.a += g0 * error
        self.b += g1 * error
        self.c += g2 * error
        p00, p11, p22 = (p00 - g0 * u0) / FORGET, (p11 - g1 * u1) / FORGET, (p22 - g2 * u2) / FORGET
        p01, p02, p12 = (p01 - g0 * u1) / FORGET, (p02 - g0 * u2) / FORGET, (p12 - g1 * u2) / FORGET
        shrink = min(1.0, VARIANCE_MAX / (p00 + p11 + p22))
        self.covariance = [shrink * p for p in (p00, p01, p02, p11, p12, p22)]


def factor_of(owner: Cell | None) -> float:
    """An owner's usual log factor against the curve; 0 for who is new."""
    return owner.factor * owner.jobs / (owner.jobs + OWNER_PRIOR) if owner else 0.0


def log_size(size: float | None) -> float:
    return math.log(size) if size is not None and size > 0 else 0.0


def _clipped(value: float, most: float) -> float:
    return max(-most, min(most, value))
