"""How long until a subscribed screen shows what happened, on the embedded stack as `tidings up` runs it.

`python -m bench.screens [EVENTS]`. Counted from the event's `recorded_at`, which the database's clock gives just before
the commit: so each figure includes the commit itself. Here: a screen on the process that took the click. There: on
another API process. NATS: a subscriber of the job's status, which merges what comes within a quarter of a second.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

import httpx
import uvloop

from eventstore import jetstream
from schemas import subjects

TIDINGS = Path(sys.executable).parent / "tidings"
TYPE = "bench.export"
SCREENS, CLICKERS = 500, 8
LINE_MAX_BYTES = 1024 * 1024

_UPDATED = re.compile(rb'"updated_at":"([^"]+)"')


class Screen:
    """Reads one job's stream, and how long each state took to come."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.lines = reader
        self.took_s: list[float] = []

    async def read(self) -> None:
        """The next state."""
        async for line in self.lines:
            if line.startswith(b"data: "):
                self.took_s.append(age_s(line))
                return


def age_s(view: bytes) -> float:
    now, found = time.time(), _UPDATED.search(view)
    assert found
    return now - datetime.fromisoformat(found[1].decode()).timestamp()


@asynccontextmanager
async def screen(url: str, key: str, job: str) -> AsyncIterator[Screen]:
    """A screen that has its snapshot."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=LINE_MAX_BYTES)
    head = f"GET /v1/jobs/{job}/stream HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(head.encode())
    made = Screen(reader)
    await made.read()
    made.took_s.clear()
    try:
        yield made
    finally:
        writer.close()


@contextmanager
def started(*arguments: str, **env: str) -> Iterator[dict[str, str]]:
    """A command of ours, and the line that it says when it is ready."""
    process = subprocess.Popen(
        [str(TIDINGS), *arguments], env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


async def click(http: httpx.AsyncClient, n: int) -> str:
    """A new job, or one click more on it."""
    answer = await http.post("/v1/jobs", json={"type": TYPE, "owner": f"owner-{n}", "input": {"n": n}})
    answer.raise_for_status()
    return str(answer.json()["id"])


async def quiet(http: httpx.AsyncClient, url: str, key: str, events: int) -> list[float]:
    """One screen, one click after another."""
    async with screen(url, key, await click(http, 0)) as shown:
        for _ in range(events):
            await click(http, 0)
            await shown.read()
    return shown.took_s


async def busy(http: httpx.AsyncClient, url: str, key: str, events: int) -> tuple[list[float], float]:
    """Many screens, each on a job of its own; clicks as fast as they are answered. Also the clicks a second."""
    jobs = [await click(http, n) for n in range(SCREENS)]
    async with AsyncExitStack() as stack:
        screens = [await stack.enter_async_context(screen(url, key, job)) for job in jobs]
        reading = [asyncio.create_task(read_on(shown)) for shown in screens]
        numbers, began = iter(range(events)), time.perf_counter()
        await asyncio.gather(*(click_on(http, numbers) for _ in range(CLICKERS)))
        rate = events / (time.perf_counter() - began)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    return [took_s for shown in screens for took_s in shown.took_s], rate


async def read_on(shown: Screen) -> None:
    while True:
        await shown.read()


async def click_on(http: httpx.AsyncClient, numbers: Iterator[int]) -> None:
    for n in numbers:
        await click(http, n % SCREENS)


async def over_nats(http: httpx.AsyncClient, nats_url: str, events: int) -> list[float]:
    """One subscriber, one click after another."""
    took_s: list[float] = []
    client = await jetstream.connect(nats_url, "bench")
    job = await click(http, 0)
    told = await client.subscribe(subjects.status("default", job))
    for _ in range(events):
        await click(http, 0)
        took_s.append(age_s((await told.next_msg(10)).data))
    await client.close()
    return took_s


def show(what: str, took_s: list[float], more: str = "") -> None:
    p99 = quantiles(took_s, n=100)[98]
    print(
        f"screens {what:<24} {len(took_s):>6,} states  median {1000 * median(took_s):>6.1f} ms"
        f"  p99 {1000 * p99:>6.1f} ms{more}"
    )


async def main(events: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder,
        started("up", "--data", f"{folder}/stack", "--port", "0", "--no-demo") as here,
        started(
            "serve", "--roles", "api", TIDINGS_DATABASE_URL=here["database_url"], TIDINGS_NATS_URL=here["nats_url"],
            TIDINGS_PORT="0", TIDINGS_DATA=folder,
        ) as there,
    ):  # fmt: skip
        key = here["api_key"]
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=here["url"], headers=headers, timeout=30) as http:
            (await http.put(f"/v1/types/{TYPE}", json={"title": "Export"})).raise_for_status()
            show("here, quiet", await quiet(http, here["url"], key, events // 10))
            show("there, quiet", await quiet(http, there["url"], key, events // 10))
            for name, url in (("here", here["url"]), ("there", there["url"])):
                took_s, rate = await busy(http, url, key, events)
                show(f"{name}, {SCREENS} screens", took_s, f"  at {rate:,.0f} clicks/s")
            show("NATS, quiet", await over_nats(http, here["nats_url"], events // 50))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
