"""DBOS: a no-op workflow through a queue. Its queue is drained while it is filled, and it polls."""

import asyncio
import time

from _run import DRAIN, PICKS, SECONDS, URL, enqueue_rate, say, say_picks
from dbos import DBOS

ran = 0
started: list[float] = []
POLLS_S = 0.1


@DBOS.workflow()
async def nothing(n: int) -> int:
    global ran
    started.append(time.perf_counter())
    ran += 1
    return n


async def until(count: int, limit_s: float) -> None:
    give_up = time.perf_counter() + limit_s
    while ran < count and time.perf_counter() < give_up:
        await asyncio.sleep(0.005)


async def main() -> None:
    global ran
    DBOS(config={
        "name": "bench", "system_database_url": URL.replace("postgresql://", "postgresql+psycopg://"),
        "log_level": "ERROR", "sys_db_pool_size": 20,
    })  # fmt: skip
    DBOS.launch()
    await DBOS.register_queue_async("bench", polling_interval_sec=POLLS_S)
    sent = 0

    async def one() -> None:
        nonlocal sent
        sent += 1
        await DBOS.enqueue_workflow_async("bench", nothing, 1)

    await enqueue_rate(one)
    await until(sent, 60)
    count, base, began = min(DRAIN, int(250 * SECONDS * 2)), ran, time.perf_counter()
    callers = 64

    async def some(share: int) -> None:
        for _ in range(share):
            await one()

    await asyncio.gather(*(some(count // callers) for _ in range(callers)))
    await until(base + count // callers * callers, 120)
    say("drain", (ran - base) / (time.perf_counter() - began), "jobs/s")
    took_s = []
    for _ in range(min(PICKS, 60)):
        started.clear()
        await one()
        answered = time.perf_counter()
        await until(sent, 10)
        took_s.append(max(0.0, started[-1] - answered))
    say_picks(took_s)
    DBOS.destroy()


asyncio.run(main())
