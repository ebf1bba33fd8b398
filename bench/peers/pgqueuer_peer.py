"""pgqueuer: asyncpg, its queue manager, LISTEN/NOTIFY."""

import asyncio
import contextlib
import time
from datetime import timedelta

import asyncpg
import uvloop
from _run import BATCH, URL, batch_rate, drain_rate, enqueue_rate, pick_times
from pgqueuer import AsyncpgPoolDriver, PgQueuer, Queries
from pgqueuer.models import Job

ran = wanted = 0
enough = asyncio.Event()
started: asyncio.Queue[float] = asyncio.Queue()


async def main() -> None:
    async with asyncpg.create_pool(URL, min_size=4, max_size=20) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        await queries.install()

        async def one() -> None:
            await queries.enqueue("nothing", b"1")

        async def many(count: int) -> None:
            await queries.enqueue(["nothing"] * count, [b"1"] * count, [0] * count)

        async def begin() -> tuple[PgQueuer, asyncio.Task[None]]:
            boss = PgQueuer(AsyncpgPoolDriver(pool))

            @boss.entrypoint("nothing")
            async def nothing(_: Job) -> None:
                global ran
                started.put_nowait(time.perf_counter())
                ran += 1
                if ran >= wanted:
                    enough.set()

            running = asyncio.create_task(boss.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=30)))
            return boss, running

        async def end(boss: PgQueuer, running: "asyncio.Task[None]") -> None:
            boss.shutdown.set()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await running

        async def work(count: int) -> None:
            global ran, wanted
            ran, wanted = 0, count
            enough.clear()
            boss, running = await begin()
            await enough.wait()
            await end(boss, running)

        await enqueue_rate(one)
        await batch_rate(many)
        await queries.clear_queue()
        await drain_rate(many, work)
        await queries.clear_queue()
        while not started.empty():
            started.get_nowait()
        boss, running = await begin()
        await asyncio.sleep(1)
        await pick_times(one, started)
        await end(boss, running)


uvloop.run(main())
