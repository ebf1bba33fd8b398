"""procrastinate: psycopg, a worker of its own, LISTEN/NOTIFY."""

import asyncio
import contextlib
import time

from _run import CALLERS, URL, batch_rate, drain_rate, enqueue_rate, pick_times
from procrastinate import App, PsycopgConnector

app = App(connector=PsycopgConnector(conninfo=URL, max_size=20, min_size=4))
ran = 0
wanted = 0
enough = asyncio.Event()
started: asyncio.Queue[float] = asyncio.Queue()


@app.task(queue="bench", pass_context=False)
async def nothing(n: int) -> None:
    global ran
    started.put_nowait(time.perf_counter())
    ran += 1
    if ran >= wanted:
        enough.set()


async def one() -> None:
    await nothing.defer_async(n=1)


async def many(count: int) -> None:
    await nothing.batch_defer_async(*({"n": n} for n in range(count)))


async def work(count: int) -> None:
    global ran, wanted
    ran, wanted = 0, count
    enough.clear()
    worker = asyncio.create_task(app.run_worker_async(concurrency=CALLERS, install_signal_handlers=False))
    await enough.wait()
    worker.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await worker


async def clear() -> None:
    await app.connector.execute_query_async("truncate procrastinate_jobs cascade")


async def main() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await enqueue_rate(one)
        await batch_rate(many)
        await clear()
        await drain_rate(many, work)
        await clear()
        while not started.empty():
            started.get_nowait()
        worker = asyncio.create_task(app.run_worker_async(concurrency=4, install_signal_handlers=False))
        await asyncio.sleep(1)
        await pick_times(one, started)
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker


asyncio.run(main())
