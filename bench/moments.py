"""What waits cost: an event learnt, a thousand kinds of jobs in memory, and how soon an open screen is right.

`python -m bench.moments`. Screens stand on jobs of one line, with a stream each. From each start's `recorded_at`, which
the database gives just before the commit, until each screen has been told of it: one job less is before its own.
"""

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import datetime

import httpx
import psutil
import uvloop
from msgspec.structs import replace

from bench import _synthetic
from bench._rows import said
from bench.screens import screen, started
from projections.waits.evaluate import replay
from projections.waits.fold import fold
from projections.waits.replay import events
from projections.waits.state import State, encode
from schemas import events as e
from schemas.envelope import Recorded

LINE_TYPE = "bench.line"
PAIRS = 1000
JOBS, ROUNDS = 4000, 8
SCREENS, STARTS, EVERY_S = 300, 40, 0.4
MB = 1_000_000


def learnt(recorded: list[Recorded]) -> State:
    known = State()
    for each in recorded:
        known = fold(known, each)
    return known


def pairs() -> Iterator[Recorded]:
    """Two traces, dealt out to a thousand tenants of one type each: 33 jobs a pair."""
    for seed in (1, 2):
        for _, number, each in events(_synthetic.trace(seed)):
            data = replace(each.data, type="export") if isinstance(each.data, e.JobRequested) else each.data
            yield replace(each, tenant=f"t{number % PAIRS}", stream=f"{seed}-{each.stream}", data=data)


def model() -> None:
    recorded = list(pairs())
    gc.collect()
    before = psutil.Process().memory_info().rss
    known = learnt(recorded)
    gc.collect()
    grown = psutil.Process().memory_info().rss - before
    said("waits: 1,000 pairs, as bytes", len(encode(known)) / MB, "MB", "of type and tenant, 33 jobs each")
    said("waits: 1,000 pairs, in memory", grown / MB, "MB", "what the process grew by")
    rows = _synthetic.trace(1)[:JOBS]
    recorded = [each for _, _, each in events(rows)]
    note = f"fastest of {ROUNDS} rounds of {JOBS:,} jobs"
    said("waits: an event learnt", fastest(lambda: learnt(recorded)) / len(recorded) * 1e6, "µs", note)
    said("waits: 100,000 jobs replayed", fastest(lambda: replay(rows)) / JOBS * 1e5, "s", note)


def fastest(do: Callable[[], object]) -> float:
    """CPU seconds: other work on this machine only ever adds to them."""
    took: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        do()
        took.append(time.process_time() - began)
    return min(took)


class Line:
    """Jobs in the order in which they are claimed, and when each start was recorded."""

    def __init__(self, http: httpx.AsyncClient, jobs: list[str]) -> None:
        self.jobs = jobs
        self.starts: list[float] = []
        self._http = http

    async def start(self) -> str:
        """The first job starts; its lease."""
        body = {"types": [LINE_TYPE], "worker": "w-1", "wait": 5, "max": 1}
        (taken,) = (await self._http.post("/v1/work/claim", json=body)).json()["assignments"]
        history = (await self._http.get(f"/v1/jobs/{taken['job']}/events")).json()["events"]
        began = next(each["recorded_at"] for each in history if each["type"] == "AttemptStarted")
        self.starts.append(datetime.fromisoformat(began).timestamp())
        return str(taken["lease"])

    async def end(self, lease: str) -> None:
        answer = await self._http.post(f"/v1/work/{lease}/finish", json={"result": {"inline": {}}})
        answer.raise_for_status()


async def line(http: httpx.AsyncClient) -> Line:
    (await http.put(f"/v1/types/{LINE_TYPE}", json={"title": "Export", "dedupe": {"for": "never"}})).raise_for_status()
    wishes = [{"type": LINE_TYPE, "owner": f"owner-{n % 7}", "input": n} for n in range(SCREENS + STARTS)]
    answers = (await http.post("/v1/jobs/batch", json={"jobs": wishes})).json()["answers"]
    return Line(http, [job for _, job in sorted((each["job"]["created_at"], each["job"]["id"]) for each in answers)])


async def told(lines: AsyncIterator[bytes], place: int, seen: list[tuple[float, int]]) -> None:
    """When a screen was told that so many have started."""
    async for each in lines:
        if each.startswith(b"data: "):
            waiting = json.loads(each[6:])["waiting"]
            if waiting and waiting["ahead"] is not None and waiting["ahead"] < 100:  # exact up to here
                seen.append((time.time(), place - waiting["ahead"]))
                if place - waiting["ahead"] >= STARTS:
                    return


async def live(url: str, key: str) -> list[float]:
    """Seconds from each start to each screen."""
    async with (
        httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http,
        AsyncExitStack() as stack,
    ):
        waiting = await line(http)
        places = [STARTS + n % (100 - STARTS) for n in range(SCREENS)]  # several look at the same job
        seen: list[list[tuple[float, int]]] = [[] for _ in places]
        screens = [await stack.enter_async_context(screen(url, key, waiting.jobs[place])) for place in places]
        reading = [
            asyncio.create_task(told(aiter(shown.lines), place, each))
            for shown, place, each in zip(screens, places, seen, strict=True)
        ]
        for _ in range(STARTS):
            lease = await waiting.start()
            await asyncio.sleep(EVERY_S)
            await waiting.end(lease)
        async with asyncio.timeout(30):
            await asyncio.gather(*reading)
    return [
        next(at for at, starts in each if starts > number) - began
        for each in seen
        for number, began in enumerate(waiting.starts)
    ]


async def main() -> None:
    model()
    with (
        tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder,
        started("up", "--data", f"{folder}/stack", "--port", "0", "--no-demo") as here,
    ):
        took = sorted(await live(here["url"], here["api_key"]))
    note = f"{SCREENS} screens, {STARTS} starts"
    said("waits: start to the right text, p50", 1000 * took[len(took) // 2], "ms", note)
    said("waits: start to the right text, p99", 1000 * took[int(0.99 * len(took))], "ms", note)


if __name__ == "__main__":
    uvloop.run(main())
