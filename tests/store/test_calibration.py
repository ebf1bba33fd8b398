"""How the stated waits held is counted the same, whether what is open was in memory, read again, or came twice."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from eventstore.postgres import Pool
from projections.waits import calibration as module
from projections.waits.calibration import QUEUE_SHOWN, WORK_SHOWN, Calibration
from projections.waits.moment import ACCEPTED, SHOWN, STARTED
from schemas import events as e
from schemas.envelope import SYSTEM, Recorded, time_text
from tests.store.logs import job_id, requested

Pages = Sequence[Sequence[Recorded]]
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
RANGE = e.Bounds(low_s=5, high_s=20)


def story(job: str, chance: random.Random) -> list[e.Event]:
    """One job that somebody watches, from its click to one of its ends, or not so far."""
    shown = e.EstimateStated(when=SHOWN, queue=RANGE, work=RANGE, total=RANGE)
    events: list[e.Event] = [
        requested(job)[0],
        e.EstimateStated(when=ACCEPTED, queue=RANGE, work=RANGE, total=RANGE),
        e.JobQueued(run=1, ready_at=time_text(BEGAN)),
        *[shown] * chance.randrange(3),
        e.AttemptStarted(run=1, attempt=1, worker="w-1"),
        e.EstimateStated(when=STARTED, work=RANGE, total=RANGE),
        *[shown] * chance.randrange(3),
        chance.choice([e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None), e.JobCanceled()]),
    ]
    return events[: chance.randrange(4, 20)]


def log_of(chance: random.Random, jobs: int) -> list[Recorded]:
    """Many of them in each other's way."""
    names = [job_id() for _ in range(jobs)]
    left = {name: story(name, chance) for name in names}
    versions = dict.fromkeys(names, 0)
    log: list[Recorded] = []
    while left:
        name = chance.choice(list(left)[:8])
        versions[name] += 1
        position = len(log) + 1
        log.append(
            Recorded(
                tenant="acme", partition=0, position=position, stream=name, version=versions[name],
                recorded_at=BEGAN + timedelta(seconds=position), actor=SYSTEM, data=left[name].pop(0),
            )
        )  # fmt: skip
        if not left[name]:
            del left[name]
    return log


def paged(log: Sequence[Recorded], chance: random.Random) -> Pages:
    pages, first = list[Sequence[Recorded]](), 0
    while first < len(log):
        size = chance.randrange(1, 12)
        pages.append(log[first : first + size])
        first += size
    return pages


async def kept(
    pool: Pool, pages: Pages, projection: Callable[[], Calibration], fails: int
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """What stands in the tables after all pages; each `fails`-th can't be committed at first, and comes again."""
    async with pool.acquire() as conn:
        whole = conn.transaction()
        await whole.start()
        await conn.execute("delete from waits_open")
        await conn.execute("delete from waits_held")
        for n, page in enumerate(pages, 1):
            if fails and n % fails == 0:
                lost = conn.transaction()
                await lost.start()
                await projection().apply(conn, 0, page)
                await lost.rollback()
            await projection().apply(conn, 0, page)
        found = (
            await conn.fetch("select job, doc from waits_open order by job"),
            await conn.fetch("select tenant, type, doc from waits_held order by tenant, type"),
        )
        await whole.rollback()
    return found


@pytest.mark.parametrize(("most", "fails"), [(10_000, 0), (10_000, 3), (3, 0), (3, 2)])
async def test_what_is_kept_in_memory_changes_no_count(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, most: int, fails: int
) -> None:
    chance = random.Random(most + fails)
    pages = paged(log_of(chance, 120), chance)
    read_each_time = await kept(pool, pages, Calibration, 0)
    open_, held = read_each_time
    assert open_
    assert all(part.encode() in held[0]["doc"] for part in (QUEUE_SHOWN, WORK_SHOWN))
    monkeypatch.setattr(module, "OPEN_MAX", most)
    one = Calibration()
    assert await kept(pool, pages, lambda: one, fails) == read_each_time
