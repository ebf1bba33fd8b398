"""What each peer is asked, in the same order and the same sizes; run with the peers' own Python.

A peer gives four things: enqueue one, enqueue many, work until so many ran, and wait for one.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

CALLERS, BATCH = 64, 500
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))
DRAIN = int(os.environ.get("BENCH_DRAIN", "10000"))
PICKS = int(os.environ.get("BENCH_PICKS", "200"))
URL = sys.argv[1] if len(sys.argv) > 1 else ""


def say(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)


async def enqueue_rate(one: Callable[[], Awaitable[object]]) -> None:
    """64 callers, each enqueues the next one when its last is durable."""
    count, until = 0, time.perf_counter() + SECONDS

    async def caller() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await one()
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    say("enqueue", count / (time.perf_counter() - began), "/s")


async def batch_rate(many: Callable[[int], Awaitable[object]]) -> None:
    count, until = 0, time.perf_counter() + SECONDS / 2
    began = time.perf_counter()
    while time.perf_counter() < until:
        await many(BATCH)
        count += BATCH
    say("batch of 500", count / (time.perf_counter() - began), "jobs/s")


async def drain_rate(many: Callable[[int], Awaitable[object]], work: Callable[[int], Awaitable[object]]) -> None:
    """10,000 jobs that are there already; `work` returns when so many ran."""
    for _ in range(DRAIN // BATCH):
        await many(BATCH)
    began = time.perf_counter()
    await work(DRAIN)
    say("drain", DRAIN / (time.perf_counter() - began), "jobs/s")


def say_picks(took_s: list[float]) -> None:
    took_s.sort()
    say("pick-up p50", 1000 * took_s[len(took_s) // 2], "ms")
    say("pick-up p99", 1000 * took_s[min(len(took_s) - 1, int(len(took_s) * 0.99))], "ms")


async def pick_times(one: Callable[[], Awaitable[object]], started: "asyncio.Queue[float]") -> None:
    """An idle worker: from the enqueue's return to the handler's start."""
    took_s = []
    for _ in range(PICKS):
        await one()
        answered = time.perf_counter()
        took_s.append(max(0.0, await asyncio.wait_for(started.get(), 30) - answered))
        await asyncio.sleep(0.005)
    say_picks(took_s)
