"""Submits and reads over HTTP by 64 connections that never wait for themselves.

`python -m bench.submits`. New jobs; one repeated click; batches of 500; GET of a job alone and while 500 submits a
second run; and new jobs again at 1 to 256 connections, for the picture.
"""

import asyncio
import contextlib
import time

import uvloop

from bench._rows import QUICK, said, scaled
from bench.load import BATCH, Load, batches, load, new_jobs, one_click, reads, ready_type, settled, some_jobs, tidings
from bench.work import taught

READ_JOBS = 1000
STEPS = (1, 4, 16, 64, 256)
SUBMITS_BESIDE = 500  # a second, while jobs are read
BESIDE_CONNECTIONS = 16


def told(name: str, seen: Load, *, each: int = 1, unit: str = "/s") -> None:
    if seen.failed:
        raise RuntimeError(f"{name}: {dict(seen.statuses)} {seen.failed[:300]!r}")
    said(name, each * seen.rate, unit, f"p50 {seen.ms(0.5):.1f} ms, p99 {seen.ms(0.99):.1f} ms")


async def steady(url: str, key: str, rate: float, seconds: float) -> int:
    """Submits at a fixed rate, whatever their answers take: a few connections, each sends when its turn comes."""
    make = new_jobs(key)
    sent = 0

    async def connection(n: int) -> None:
        nonlocal sent
        source = make(n)
        every_s = BESIDE_CONNECTIONS / rate
        due = time.perf_counter() + n / rate
        until = due + seconds
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        while due < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            request = source()
            assert request
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length))
            sent += 1
            due += every_s
        writer.close()

    await asyncio.gather(*(connection(n) for n in range(BESIDE_CONNECTIONS)))
    return sent


async def over_load(url: str, key: str, seconds: float) -> None:
    """One point of the picture for each number of connections."""
    for connections in STEPS:
        seen = await load(url, new_jobs(key), seconds, connections=connections)
        said(f"over load: submits at {connections} connections", seen.rate, "/s")
        said(f"over load: p99 at {connections} connections", seen.ms(0.99), "ms")


async def measure(url: str, key: str, pid: int, prefix: str = "") -> None:
    seconds = scaled(4, 2)
    await load(url, new_jobs(key), 1)  # everything is loaded once
    told(f"{prefix}submits: new jobs", await load(url, new_jobs(key), seconds))
    told(f"{prefix}submits: one click repeated", await load(url, one_click(key), seconds))
    batch = await load(url, batches(key), seconds, connections=4)
    told(f"{prefix}submits: batches of 500", batch, each=BATCH, unit="jobs/s")
    jobs = await some_jobs(url, key, READ_JOBS)
    await settled(pid)  # what follows the log has come to the end of the batches before
    told(f"{prefix}GET of a job", await load(url, reads(key, jobs), seconds))
    beside = asyncio.create_task(steady(url, key, SUBMITS_BESIDE, seconds))
    busy = await load(url, reads(key, jobs), seconds)
    sent = await beside
    told(f"{prefix}GET while submits run", busy)
    said(f"{prefix}GET while submits run, p99", busy.ms(0.99), "ms", f"{sent / busy.seconds:,.0f} submits/s beside")


async def main() -> None:
    with tidings() as ours:
        url, key = ours["url"], ours["api_key"]
        await ready_type(url, key)
        await taught(url, key)
        await measure(url, key, int(ours["pid"]))
        if not QUICK:
            await over_load(url, key, 1.5)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
