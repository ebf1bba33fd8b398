"""The work path: a drain of no-op jobs through the SDK's worker, and how soon an idle worker starts what was submitted.

`python -m bench.work`. Every job is claimed under a lease, fenced, and each attempt's start and end is an event. The
worker is a process of its own, as a product runs it.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from statistics import median

import uvloop

from bench._rows import said, scaled
from bench.load import TYPE, plain, ready_type, some_jobs, tidings

SLOTS = 2048  # a no-op frees its slot at once: with 512, service and worker waited for each other a fifth of the time
TAUGHT = 100
OUTPUT_MAX = 64 * 1024 * 1024


async def worker(url: str, key: str, slots: int, jobs: int) -> asyncio.subprocess.Process:
    """A worker that is ready."""
    command = [sys.executable, "-m", "bench._worker", url, key, str(slots), str(jobs)]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, limit=OUTPUT_MAX)
    assert process.stdout
    await process.stdout.readline()
    return process


async def result(process: asyncio.subprocess.Process) -> dict[str, object]:
    out, _ = await process.communicate()
    return json.loads(out.splitlines()[-1])


async def taught(url: str, key: str) -> None:
    """So many jobs have run that waits are known and stated, as in any store that is in use."""
    await some_jobs(url, key, TAUGHT)
    await result(await worker(url, key, 8, TAUGHT))


async def drain(url: str, key: str, jobs: int, prefix: str = "") -> None:
    await some_jobs(url, key, jobs)
    done = await result(await worker(url, key, SLOTS, jobs))
    said(f"{prefix}work: drain", jobs / float(str(done["seconds"])), "jobs/s", f"{jobs:,} jobs, {SLOTS} slots")


async def pick_up(url: str, key: str, jobs: int) -> None:
    """One job after another to an idle worker: from the submit's answer to the first line of its handler."""
    process = await worker(url, key, 4, jobs)
    await asyncio.sleep(1)
    answered: list[float] = []
    for n in range(jobs):
        body = b'{"type":"%s","owner":"ann","input":{"pick":%d,"at":%f}}' % (TYPE.encode(), n, time.time())
        await plain(url, key, "POST", "/v1/jobs", body)
        answered.append(time.time())
        await asyncio.sleep(0.03)
    starts = (await result(process))["starts"]
    assert isinstance(starts, list)
    took_s = sorted(max(0.0, start - answer) for start, answer in zip(starts, answered, strict=True))
    said("work: submit's answer to handler, idle, p50", 1000 * median(took_s), "ms")
    said("work: submit's answer to handler, idle, p99", 1000 * took_s[int(0.99 * len(took_s))], "ms")


async def main() -> None:
    with tidings() as ours:
        url, key = ours["url"], ours["api_key"]
        await ready_type(url, key)
        await pick_up(url, key, scaled(200, 60))
        await drain(url, key, scaled(10_000, 3_000))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
