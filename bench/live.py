"""How soon a commit is on a subscribed screen at 500 events a second, and what 5,000 screens on one process cost.

`python -m bench.live`. Counted from the event's `recorded_at`, which the database's clock gives just before the commit.
Each screen is a bare socket that follows a job of its own.
"""

import asyncio
import contextlib
import json
import os
import time
from contextlib import AsyncExitStack
from statistics import median, quantiles

import psutil
import uvloop

from bench._rows import said, scaled
from bench.load import TYPE, plain, ready_type, request, some_jobs, tidings
from bench.screens import Screen, read_on, screen

RATE = 500  # events a second
WATCHED = 500
MANY = 5000
MANY_RATE = 2500
CLICKERS = 64  # each waits for its answer, so fewer of them could not offer MANY_RATE
OPENED_AT_ONCE = 50


async def clicks(url: str, key: str, bodies: list[bytes], rate: float, seconds: float) -> float:
    """Repeats these clicks one after another, `rate` a second or as fast as they are answered. Clicks a second."""
    host, port = url.removeprefix("http://").split(":")
    numbers = iter(range(1 << 62))
    began = time.perf_counter()
    sent = 0

    async def clicker() -> None:
        nonlocal sent
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() - began < seconds:
            n = next(numbers)
            await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
            writer.write(request("POST", "/v1/jobs", key, bodies[n % len(bodies)]))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
            sent += 1
        writer.close()

    await asyncio.gather(*(clicker() for _ in range(CLICKERS)))
    return sent / (time.perf_counter() - began)


async def watched(url: str, key: str, count: int, stack: AsyncExitStack) -> tuple[list[bytes], list[Screen]]:
    """So many jobs, each with a screen that has its snapshot, and the click that each can be repeated by."""
    bodies = [b'{"type":"%s","owner":"watch-%d","input":{"n":%d}}' % (TYPE.encode(), n, n) for n in range(count)]
    ids = await _submitted(url, key, bodies)
    screens: list[Screen] = []
    for first in range(0, count, OPENED_AT_ONCE):
        some = ids[first : first + OPENED_AT_ONCE]
        screens += await asyncio.gather(*(stack.enter_async_context(screen(url, key, job)) for job in some))
    return bodies, screens


async def _submitted(url: str, key: str, bodies: list[bytes]) -> list[str]:
    ids: list[str] = []
    for first in range(0, len(bodies), 500):
        whole = b'{"jobs":[%s]}' % b",".join(bodies[first : first + 500])
        answers = json.loads(await plain(url, key, "POST", "/v1/jobs/batch", whole))["answers"]
        ids += [each["job"]["id"] for each in answers]
    return ids


async def delay(url: str, key: str) -> None:
    async with AsyncExitStack() as stack:
        bodies, screens = await watched(url, key, WATCHED, stack)
        reading = [asyncio.create_task(read_on(shown)) for shown in screens]
        rate = await clicks(url, key, bodies, RATE, scaled(6, 3))
        await asyncio.sleep(0.5)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        took_s = [took for shown in screens for took in shown.took_s]
    note = f"at {rate:,.0f} events/s, {len(took_s):,} shown"
    said("live: commit to SSE, p50", 1000 * median(took_s), "ms", note)
    said("live: commit to SSE, p99", 1000 * quantiles(took_s, n=100)[98], "ms", note)


async def many(url: str, key: str, pid: int, count: int) -> None:
    """Memory of one more screen, and whether all of them are kept current."""
    process = psutil.Process(pid)
    async with AsyncExitStack() as stack:
        before = process.memory_info().rss
        bodies, screens = await watched(url, key, count, stack)
        each = (process.memory_info().rss - before) / count
        reading = [asyncio.create_task(read_on(shown)) for shown in screens]
        rate = await clicks(url, key, bodies, MANY_RATE, scaled(6, 3))
        await asyncio.sleep(2)
        behind = sum(not shown.took_s for shown in screens) if rate * scaled(6, 3) > count else 0
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        took_s = [took for shown in screens for took in shown.took_s] or [0.0, 0.0]
    note = f"{count:,} screens, their jobs included"
    said("live: memory of a screen", each / 1000, "kB", note)
    said("live: changes with many screens", rate, "/s", f"{behind} screens saw none")
    said("live: commit to SSE with many screens, p99", 1000 * quantiles(took_s, n=100)[98], "ms")


async def main() -> None:
    os.environ.setdefault("TIDINGS_SSE_STREAMS_MAX", "20000")
    with tidings() as ours:
        url, key = ours["url"], ours["api_key"]
        await ready_type(url, key)
        await some_jobs(url, key, 500)
        await delay(url, key)
        await many(url, key, int(ours["pid"]), scaled(MANY, 1000))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
