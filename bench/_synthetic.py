"""A synthetic trace of a product's job queue: no real data is behind it.

Two pools of workers, first come, first served (2 slots for exports and imports, 3 for AI jobs); work grows with size; a
daily and weekly rhythm; bursts (one owner sends 60 to 300 jobs at once); heavy tails; failures; cancels while waiting;
an evening with lost workers; and an AI model that becomes `slow` times slower at `slow_at` of the span.
"""

import heapq
import math
import random
from typing import NamedTuple

from msgspec.structs import replace

from projections.waits.replay import Row

DAY = 86_400
OWNERS = [f"o{n:03d}" for n in range(140)]
OWNER_WEIGHTS = [1 / (n + 2) for n in range(140)]
SLOTS = {"data": 2, "ai": 3}
PEAK = 1 / 28.0


class Kind(NamedTuple):
    """Sizes and noise are log-normal; seconds are `base + size / speed`."""

    pool: str
    share: float
    size_mean: float
    size_sd: float
    base: float
    speed: float
    noise: float
    fails: float


KINDS = {
    "export.orders": Kind("data", 0.40, 9.0, 1.4, 5.0, 350.0, 0.25, 0.02),
    "import.customers": Kind("data", 0.20, 7.5, 1.2, 9.0, 50.0, 0.35, 0.08),
    "ai.summary": Kind("ai", 0.25, 7.2, 0.8, 6.0, 20.0, 0.40, 0.02),
    "ai.image": Kind("ai", 0.15, 1.0, 0.6, 10.0, 0.06, 0.30, 0.04),
}
Arrival = tuple[float, str, str, float | None]


def trace(seed: int, days: float = 12, slow: float = 3.0, slow_at: float = 0.55) -> list[Row]:
    """About 1,400 jobs a day."""
    chance = random.Random(seed)
    habit: dict[tuple[str, str], tuple[float, float]] = {}  # owners differ: usual size and speed of their data
    free = {pool: [0.0] * slots for pool, slots in SLOTS.items()}
    rows: list[Row] = []
    span = days * DAY
    for at, name, owner, burst in _arrivals(chance, days):
        kind = KINDS[name]
        usual, speed = habit.setdefault((owner, name), (chance.gauss(0, 0.8), chance.gauss(0, 0.3)))
        shift = burst if burst is not None else chance.gauss(0, 0.5)
        size = max(1, round(math.exp(kind.size_mean + kind.size_sd * (usual * 0.8 + shift))))
        work = (kind.base + size / kind.speed) * math.exp(speed + chance.gauss(0, kind.noise))
        if name == "ai.image" and at > slow_at * span:
            work *= slow if at < 0.85 * span else (1 + slow) / 2
        if chance.random() < 0.02:
            work *= math.exp(chance.uniform(math.log(3), math.log(30)))
        outcome = "finished"
        if chance.random() < kind.fails:
            outcome, work = "failed", work * chance.random() ** 2 + 0.5
        start = max(at, free[kind.pool][0]) + chance.uniform(0.02, 0.4)
        if kind.pool == "data" and 0.30 * span < start < 0.30 * span + 5400 and chance.random() < 0.5:
            start += chance.uniform(30, 240)  # the lost workers' evening
        patience = chance.expovariate(1 / 2400)
        job = str(len(rows) + 1)
        if start - at > patience:
            rows.append(Row(job, name, owner, size, at, None, at + patience, "canceled"))
            continue
        heapq.heapreplace(free[kind.pool], start + work)
        rows.append(Row(job, name, owner, size, at, start, start + work, outcome))
    return [_from(row, rows[0].submitted) for row in rows]


def _arrivals(chance: random.Random, days: float) -> list[Arrival]:
    """A thinned Poisson process, and bursts on top of it."""
    names, shares = list(KINDS), [kind.share for kind in KINDS.values()]
    at = 0.0
    found: list[Arrival] = []
    while at < days * DAY:
        at += chance.expovariate(PEAK)
        rate = _rate(at / 3600 % 24, int(at // DAY) % 7)
        if chance.random() < rate:
            found.append((at, chance.choices(names, shares)[0], chance.choices(OWNERS, OWNER_WEIGHTS)[0], None))
        if chance.random() < rate / 2200:  # the same kind, sizes alike
            name, owner = chance.choices(names, [0.5, 0.2, 0.2, 0.1])[0], chance.choice(OWNERS)
            size = chance.gauss(-0.7, 0.4)
            count = chance.randint(60, 300)
            found += [(at + chance.expovariate(1 / 25), name, owner, size) for _ in range(count)]
    return sorted(found, key=lambda each: (each[:3], each[3] or 0.0))


def _rate(hour: float, day: int) -> float:
    daytime = 0.12 + 0.88 * max(0.0, math.sin((hour - 6) / 14 * math.pi)) ** 0.7 if 6 < hour < 20 else 0.12
    return daytime * (0.3 if day > 4 else 1)


def _from(row: Row, began: float) -> Row:
    def since(at: float | None) -> float | None:
        return None if at is None else round(at - began, 3)

    return replace(row, submitted=round(row.submitted - began, 3), started=since(row.started), ended=since(row.ended))
