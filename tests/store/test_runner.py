"""Async projections: every event counts once, whatever is killed; one runner is active for a partition."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import pytest

from eventstore.postgres import Connection, Pool
from eventstore.tail import Tail
from projections import insights as insights_module
from projections.insights import Insights
from projections.runner import Projection, Runner
from schemas import events as e
from schemas.envelope import Recorded
from tests.conftest import Servers
from tests.store.logs import TAKEN, append, fill, job_id, requested, worked

WAIT_S = 10
INSIGHTS = "select requests, repeats, finished, canceled, needs_fix, attempts_lost from insights where tenant = $1"


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


class Counting:
    """A projection that counts into a table of its own and can be waited for."""

    def __init__(self, name: str, fail_at: int = 0) -> None:
        self.name = name
        self.seen = 0
        self.fails = 0
        self._fail_at = fail_at
        self._more = asyncio.Event()

    async def apply(self, conn: Connection, partition: int, recorded: Sequence[Recorded]) -> None:
        await conn.execute("insert into counted values ($1, $2, $3)", self.name, partition, len(recorded))
        if self._fail_at and self.seen >= self._fail_at and not self.fails:
            self.fails += 1
            raise ValueError("a bug")
        self.seen += len(recorded)
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.seen < count:
                await self._more.wait()
                self._more.clear()


@pytest.fixture
async def tails(pool: Pool, partitions: int) -> dict[int, Tail]:
    await pool.execute("create table if not exists counted (name text, partition int, events int)")
    found = {partition: Tail(pool, partition) for partition in range(partitions)}
    for tail in found.values():
        await tail.start()
    return found


@asynccontextmanager
async def following(
    dsn: str, tails: dict[int, Tail], projection: Projection, *, stands_by: bool = False
) -> AsyncIterator[Runner]:
    """Until it has caught up, unless it stands by for another one."""
    runner = Runner(dsn, tails, projection, page=10, standby_s=0.05)
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(WAIT_S):
            yield runner
            if not stands_by:
                await runner.caught_up.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def counted(pool: Pool, name: str) -> int:
    total: int = await pool.fetchval("select coalesce(sum(events), 0) from counted where name = $1", name)
    return total


async def log_size(pool: Pool) -> int:
    size: int = await pool.fetchval("select count(*) from events")
    return size


async def test_it_catches_up_and_then_follows(
    database: str, pool: Pool, partitions: int, tenant: str, tails: dict[int, Tail]
) -> None:
    for partition in range(partitions):
        await fill(pool, partition, f"{tenant}-{partition}", 12)
    for tail in tails.values():
        await tail.start()
    counting = Counting(f"follow-{tenant}")
    async with following(database, tails, counting):
        await counting.until(await log_size(pool))
        tails[0].feed(await append(pool, 0, tenant, [(job := job_id(), requested(job))]))
        await counting.until(await log_size(pool))
    assert await counted(pool, counting.name) == counting.seen == await log_size(pool)
    checkpoints = await pool.fetch("select position from checkpoints where projection = $1", counting.name)
    assert sum(row["position"] for row in checkpoints) == counting.seen


async def test_a_failing_batch_is_undone_and_tried_again(
    database: str, pool: Pool, tenant: str, tails: dict[int, Tail]
) -> None:
    await fill(pool, 0, tenant, 12)
    await tails[0].start()
    counting = Counting(f"fail-{tenant}", fail_at=20)
    async with following(database, tails, counting):
        await counting.until(await log_size(pool))
    assert counting.fails == 1
    assert await counted(pool, counting.name) == await log_size(pool)


async def test_one_runner_is_active_and_another_takes_over(
    database: str, pool: Pool, tenant: str, tails: dict[int, Tail]
) -> None:
    """The first is cut off by its server; the second has stood by and goes on where it was."""
    await fill(pool, 0, tenant, 5)
    await tails[0].start()
    first, second = Counting(f"one-{tenant}"), Counting(f"one-{tenant}")
    async with following(database, tails, first):
        await first.until(await log_size(pool))
        async with following(database, tails, second, stands_by=True):
            tails[0].feed(await append(pool, 0, tenant, [(job := job_id(), requested(job))]))
            await first.until(await log_size(pool))
            assert second.seen == 0
    before = first.seen
    async with following(database, tails, second):
        tails[0].feed(await append(pool, 0, tenant, [(job := job_id(), requested(job))]))
        await second.until(2)
    assert (first.seen, second.seen) == (before, 2)
    assert await counted(pool, first.name) == await log_size(pool)


async def test_cut_connections_count_nothing_twice(
    servers: Servers, database: str, pool: Pool, tenant: str, tails: dict[int, Tail]
) -> None:
    counting = Counting(f"cut-{tenant}")
    admin = await asyncpg.connect(servers.admin_database_url)
    async with following(database, tails, counting):
        await counting.until(await log_size(pool))
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.rpartition("/")[2]
        )
        await pool.expire_connections()
        tails[0].feed(await append(pool, 0, tenant, [(job := job_id(), requested(job))]))
        await counting.until(await log_size(pool))
    await admin.close()
    assert await counted(pool, counting.name) == await log_size(pool)


async def test_insights_count_what_happened(
    database: str, pool: Pool, tenant: str, tails: dict[int, Tail], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also across restarts and beyond what is kept in memory: the job's type is found in the log."""
    monkeypatch.setattr(insights_module, "KNOWN_MAX", 1)
    done, lost, kept = job_id(), job_id(), job_id()
    repeats: list[e.Event] = [e.RequestRepeated(clicks=2), e.RequestRepeated(clicks=3)]
    blocked: list[e.Event] = [TAKEN, e.NeedsFix(cause="asked", text="The file is empty."), e.JobCanceled()]
    for streams in (
        [(job, requested(job)) for job in (done, lost, kept)],
        [(done, repeats), (done, worked()), (lost, [TAKEN, e.AttemptLost(run=1, attempt=1, worker="w-1")])],
        [(kept, blocked)],
    ):
        await append(pool, 0, tenant, streams)
        await tails[0].start()
        async with following(database, tails, Insights()):
            pass
    row = await pool.fetchrow(INSIGHTS, tenant)
    assert row
    assert tuple(row) == (3, 2, 1, 1, 1, 1)
    assert await pool.fetchval("select type from insights where tenant = $1", tenant) == "orders.export"
    assert await pool.fetchval("select day = current_date from insights where tenant = $1", tenant)
    slots = await pool.fetch("select type, slot, finished from insights_recent where tenant = $1", tenant)
    ((kind, slot, finished),) = slots
    assert (kind, finished) == ("orders.export", 1)
    at: datetime = await pool.fetchval(
        "select recorded_at from events where tenant = $1 and type = 'JobFinished'", tenant
    )
    assert slot == insights_module.slot_of(at)


async def test_what_finished_long_ago_is_no_longer_kept_by_slots(
    database: str, pool: Pool, tenant: str, tails: dict[int, Tail]
) -> None:
    long_ago = datetime(2026, 1, 1, 12, 30, 59, 999_999, UTC)
    assert insights_module.slot_of(long_ago) == datetime(2026, 1, 1, 12, 30, 50, tzinfo=UTC)
    await pool.execute("insert into insights_recent values (0, $1, 'old', $2, 7)", tenant, long_ago)
    job = job_id()
    await append(pool, 0, tenant, [(job, [*requested(job), *worked()])])
    await tails[0].start()
    async with following(database, tails, Insights()):
        pass
    kinds = await pool.fetch("select type, finished from insights_recent where tenant = $1", tenant)
    assert [tuple(row) for row in kinds] == [("orders.export", 1)]
