"""Small made-up traces for the tests of waits: first come, first served, with sizes, owners, bursts and failures."""

import heapq
import math
import random

from projections.waits.replay import Row


def queue_trace(seed: int, jobs: int = 400, slots: int = 2, every_s: float = 30.0) -> list[Row]:
    """A product's queue. Sorted by submission; times are multiples of a millisecond."""
    chance = random.Random(seed)
    free = [0.0] * slots
    rows, now = [], 0.0
    for number in range(jobs):
        now += chance.expovariate(1 / every_s) if chance.random() < 0.9 else 0.0
        kind, owner = chance.choice(["export", "import"]), f"o{chance.randrange(8)}"
        size = round(math.exp(chance.gauss(7, 1)), 1)
        start = max(now, free[0]) + 0.1
        worked = (5 + size / 50) * math.exp(chance.gauss(0, 0.3))
        outcome = "failed" if chance.random() < 0.05 else "finished"
        if start - now > chance.expovariate(1 / 2000):
            rows.append(Row(str(number), kind, owner, size, round(now, 3), None, round(start, 3), "canceled"))
            continue
        heapq.heapreplace(free, start + worked)
        rows.append(
            Row(str(number), kind, owner, size, round(now, 3), round(start, 3), round(start + worked, 3), outcome)
        )
    return rows
