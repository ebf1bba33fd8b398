"""Memory of `tidings up`: at rest, and under 300 jobs a second that a worker ends.

`python -m bench.memory [SECONDS]`. PSS of the service and of nats-server, and of PostgreSQL's processes what is not
shared. Growth counts from the tenth minute to the end of the load. The usual run is a short form of the hour, where it
counts from the middle, when what is kept for some seconds (nats-server's write caches) is there.
"""

import asyncio
import contextlib
import sys
import time

import psutil
import uvloop

from bench._rows import said, scaled
from bench.load import ready_type, tidings
from bench.submits import steady
from bench.work import worker

RATE = 300
SETTLED_S = 600  # what is kept by number is there by then: 100,000 statuses are, after 333 s
MB = 1_000_000


def used(pid: int) -> dict[str, float]:
    """MB by what it is: the service, nats-server, PostgreSQL's private memory."""
    found = {"service": 0.0, "nats": 0.0, "postgres": 0.0}
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            name = process.name()
            kind = "nats" if "nats" in name else "postgres" if "postgres" in name else "service"
            found[kind] += (memory.uss if kind == "postgres" else memory.pss) / MB
    return found


def text(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {mb:.0f}" for name, mb in found.items())


async def main(seconds: float) -> None:
    with tidings() as ours:
        pid, url, key = int(ours["pid"]), ours["url"], ours["api_key"]
        await ready_type(url, key)
        await asyncio.sleep(3)
        idle = used(pid)
        said("memory: up, idle", sum(idle.values()), "MB", text(idle))
        working = await worker(url, key, 64, 1 << 40)
        samples: list[tuple[float, dict[str, float]]] = []
        began = time.perf_counter()
        load = asyncio.create_task(steady(url, key, RATE, seconds))
        while not load.done():
            await asyncio.wait({load}, timeout=max(1.0, seconds / 60))
            samples.append((time.perf_counter() - began, used(pid)))
            print(f"{samples[-1][0]:6.0f} s: {text(samples[-1][1])}", file=sys.stderr, flush=True)
        rate = await load / (time.perf_counter() - began)
        working.terminate()
        await working.wait()
    settled = min(SETTLED_S, seconds / 2)
    since, first = next((at, found) for at, found in samples if at >= min(settled, samples[-1][0]))
    last = samples[-1][1]
    note = f"{rate:,.0f} jobs/s for {seconds:.0f} s; {text(last)}"
    said("memory: up, under load", sum(last.values()), "MB", note)
    said("memory: growth of the service under load", last["service"] - first["service"], "MB", note)
    jobs = rate * (samples[-1][0] - since)
    said("memory: nats-server, for each job", (last["nats"] - first["nats"]) * 1000 / max(1.0, jobs), "kB")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else scaled(150, 10)))
