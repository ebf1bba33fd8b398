"""A second build beside the live projections: a spoiled row of any table is named in one pass, counted, and mended."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres import Pool, open_pool
from projections.apply import TABLES
from projections.repair import repair
from projections.shadow import LOCK, Pass, Shadow, follow
from projections.verify import KEYS, second_build, verify
from schemas.jobtypes import Definition
from services.api.metrics import Metrics
from tests.conftest import NewDatabase
from tests.store.logs import append, fill, job_id, requested, worked
from tests.store.services import define, serving, submit

SPOILS = {
    "jobs": [
        "update jobs set state = 'gone' where id = any($1)",
        "update jobs set position = position + 1 where id = any($1)",
        "update jobs set title = title || '!' where id = any($1)",
        "update jobs set due_at = now() where id = any($1)",
        "update jobs set doc = convert_to(replace(convert_from(doc, 'UTF8'), 'ann', 'eve'), 'UTF8') where id = any($1)",
        "update jobs set id = gen_random_uuid() where id = any($1)",
        "delete from jobs where id = any($1)",
    ],
    "queue": [
        "update queue set ready_at = ready_at + interval '1 hour' where job = any($1)",
        "update queue set tenant = 'eve' where job = any($1)",
        "delete from queue where job = any($1)",
        "insert into queue select partition, uuidv7(), tenant, type, owner, 0, now() from jobs where id = any($1)",
    ],
    "dedupe": [
        "update dedupe set active = not active where job = any($1)",
        "update dedupe set job = gen_random_uuid() where job = any($1)",
        "update dedupe set key = sha256(key) where job = any($1)",
        "delete from dedupe where job = any($1)",
    ],
    "items": [
        "update items set failed = not failed where job = any($1)",
        "update items set reason = 'is fine' where job = any($1)",
        "delete from items where job = any($1)",
        "insert into items select partition, id, 'x', 1, 'c', 'r', null, true, 1, 1 from jobs where id = any($1)",
    ],
    "types": [
        "update types set version = version + 1 where $1::uuid[] <> '{}'",
        "update types set limit_total = 3 where $1::uuid[] <> '{}'",
        "delete from types where $1::uuid[] <> '{}'",
        "insert into types select partition, tenant, 'x', version, definition from types where $1::uuid[] <> '{}'",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def partitions() -> int:
    return 2


@pytest.fixture(scope="module")
async def spoilable(pool: Pool, database: str) -> list[str]:
    """A waiting job and one with failed items, among others, and a job type. Their ids."""
    waiting, done = job_id(), job_id()
    await fill(pool, 0, "acme", 20)
    await append(pool, 1, "beta", [(waiting, requested(waiting)), (done, [*requested(done), *worked()])])
    async with serving(pool, database, 2) as service:
        await define(service, "acme", Definition(title="Export"))
    return [waiting, done]


def test_every_table_can_be_spoiled() -> None:
    assert tuple(SPOILS) == TABLES == tuple(KEYS)


@pytest.mark.parametrize(("table", "spoil"), [(table, each) for table, found in SPOILS.items() for each in found])
async def test_a_spoiled_row_is_named_in_one_pass_and_mended(
    pool: Pool, spoilable: list[str], table: str, spoil: str
) -> None:
    async with pool.acquire() as conn, second_build(conn) as second:
        assert await second.differences() == []
        changed = int((await pool.execute(spoil, spoilable)).rpartition(" ")[2])
        found = await second.differences()
        assert changed > 0
        assert {each.table for each in found} == {table}
        report = await repair(pool)
        assert report.ok
        assert report.differences == found
        assert changed <= report.rows <= 2 * changed  # a row with another key is surplus, and its own is missing
        assert await second.differences() == []
    assert (await repair(pool)).rows == 0


async def test_many_spoiled_rows_are_all_mended(pool: Pool, spoilable: list[str]) -> None:
    """More than are told of, in every table, with appends in between."""
    await fill(pool, 0, "acme", 250)
    await pool.execute(
        "update jobs set owner = 'eve'; delete from queue; update items set run = 7; update types set version = 9"
    )
    appending = asyncio.create_task(fill(pool, 1, "beta", 150, 3))
    report = await repair(pool)
    await appending
    assert spoilable
    assert report.ok
    assert report.rows > 500
    assert await verify(pool) == []


async def test_a_second_build_keeps_up_with_the_log(pool: Pool, spoilable: list[str]) -> None:
    assert spoilable
    async with pool.acquire() as conn, second_build(conn) as second:
        for seed in range(3):
            await fill(pool, seed % 2, "acme", 30, 50 + seed)
            assert await second.differences() == []
            assert second.positions == {
                row["partition"]: row["position"] for row in await pool.fetch("select partition, position from heads")
            }


async def test_a_failed_pass_leaves_the_second_build_where_it_was(pool: Pool, spoilable: list[str]) -> None:
    assert spoilable
    async with pool.acquire() as conn, second_build(conn) as second:
        await second.differences()
        before = dict(second.positions)
        await conn.execute("alter table queue rename column priority to gone")
        await append(pool, 0, "acme", [(job := job_id(), requested(job))])
        with pytest.raises(asyncpg.UndefinedColumnError):
            await second.differences()
        await conn.execute("alter table queue rename column gone to priority")
        assert second.positions == before
        assert await second.differences() == []


async def test_follow_ends_when_whoever_sees_wants_it(pool: Pool, database: str, spoilable: list[str]) -> None:
    seen: list[Pass] = []

    async def see(found: Pass) -> bool:
        seen.append(found)
        if len(seen) == 1:
            await pool.execute("update jobs set owner = 'eve' where id = $1", spoilable[0])
        return not found.differences

    await follow(database, see, every_s=0)
    assert [len(each.differences) for each in seen] == [0, 1]
    assert seen[1].differences[0].column == "owner"
    assert (await repair(pool)).rows == 1


class Watched(Shadow):
    """Tells when a pass is over."""

    running: asyncio.Task[None]

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, every_s=0.01, standby_s=0.01)
        self.stir = asyncio.Condition()

    async def _see(self, found: Pass) -> bool:
        wanted = await super()._see(found)
        async with self.stir:
            self.stir.notify_all()
        return wanted

    async def see_again(self) -> None:
        """A whole pass that began after now."""
        async with self.stir:
            upto = self.passes + 2
            await self.stir.wait_for(lambda: self.passes >= upto)


@pytest.fixture
async def shadow(new_database: NewDatabase) -> AsyncIterator[tuple[Pool, Watched, str]]:
    dsn = await new_database(1)
    async with await open_pool(dsn, 4) as pool:
        await fill(pool, 0, "acme", 10)
        shadow = Watched(dsn)
        shadow.running = asyncio.create_task(shadow.run())
        yield pool, shadow, dsn
        shadow.running.cancel()
        await asyncio.gather(shadow.running, return_exceptions=True)


async def test_the_role_counts_each_spoiled_row_once(shadow: tuple[Pool, Watched, str]) -> None:
    pool, watched, _ = shadow
    metrics = Metrics(lambda: (), lambda: watched)
    await watched.see_again()
    assert not watched.spoiled
    await pool.execute("update jobs set owner = 'eve' where id in (select id from jobs order by id limit 2)")
    for _ in range(2):
        await watched.see_again()
        page = bytes((await metrics.page(pool, streams=0, claims=0)).body).decode()
        assert 'tidings_projection_rows_spoiled_total{table="jobs"} 2.0' in page
        assert 'tidings_projection_rows_differing{table="jobs"} 2.0' in page
    await repair(pool)
    await watched.see_again()
    page = bytes((await metrics.page(pool, streams=0, claims=0)).body).decode()
    assert 'tidings_projection_rows_spoiled_total{table="jobs"} 2.0' in page
    assert 'tidings_projection_rows_differing{table="jobs"} 0.0' in page


async def test_the_role_begins_anew_on_a_new_connection(shadow: tuple[Pool, Watched, str]) -> None:
    pool, watched, _ = shadow
    await watched.see_again()
    cut = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1"
    assert await pool.fetch(cut, LOCK)
    await watched.see_again()
    assert not watched.differing


async def test_another_one_takes_over(shadow: tuple[Pool, Watched, str]) -> None:
    _, watched, dsn = shadow
    await watched.see_again()
    other = Watched(dsn)
    standing_by = asyncio.create_task(other.run())
    await watched.see_again()
    assert other.passes == 0
    watched.running.cancel()
    await other.see_again()
    standing_by.cancel()
    await asyncio.gather(standing_by, return_exceptions=True)


async def test_it_follows_a_running_service(pool: Pool, database: str) -> None:
    async with serving(pool, database, 2) as service, pool.acquire() as conn, second_build(conn) as second:
        await define(service, "beta", Definition(title="Export"))
        submitting = [asyncio.create_task(submit(service, "beta", n)) for n in range(60)]
        while not all(each.done() for each in submitting):
            assert await second.differences() == []
        await asyncio.gather(*submitting)
        assert await second.differences() == []
