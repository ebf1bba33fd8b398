"""Promise 5: the history can't be changed unnoticed. Verify names the first bad event, and never cries wolf."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventstore.archive import place
from eventstore.audit.checkpoints import HistoryDamaged, Makers
from eventstore.audit.notes import PublicKey, Signer
from eventstore.audit.outside import Shelf, notes_at
from eventstore.audit.signed import Trust
from eventstore.audit.verify import verify
from eventstore.audit.walk import Kind
from eventstore.postgres import Connection, Pool, open_pool
from schemas import events as e
from schemas.ids import uuid7
from services.archiving import archive_all
from tests.conftest import NewDatabase, Servers
from tests.store.logs import append, fill
from tests.store.tampering import WAYS, Tamper

TIMES = 13  # 16 ways × 13 = 208 times


# Canceled, and archived; retried but once.
GONE = """select id::text from jobs where partition = $1 and state = 'canceled' order by id limit 1"""

TABLES = ("events", "heads", "signed_checkpoints")


@pytest.fixture(scope="module")
def partitions() -> int:
    return 4


@pytest.fixture(scope="module")
async def log(pool: Pool) -> Pool:
    """Four partitions with checkpoints in the middle and at the end."""
    makers = Makers(pool, 4, None)
    for seed in range(3):
        for partition in range(4):
            await fill(pool, partition, f"t-{uuid7()}", 6, seed)
        await makers.make()
    return pool


@pytest.fixture(scope="module")
async def superuser(database: str, servers: Servers) -> AsyncIterator[Connection]:
    """Whom no trigger stops."""
    place = urlsplit(servers.admin_database_url)._replace(path=urlsplit(database).path)
    conn = await asyncpg.connect(place.geturl())
    yield conn
    await conn.close()


@pytest.fixture(scope="module")
async def kept(log: Pool, superuser: Connection) -> Callable[[], Awaitable[None]]:
    """Keeps the log as it is, and puts it back."""
    assert await log.fetchval("select count(*) from heads where position > 0") == 4
    for table in TABLES:
        await superuser.execute(f"create table kept_{table} as table {table}")

    async def restore() -> None:
        for table in TABLES:
            await superuser.execute(f"truncate {table}; insert into {table} table kept_{table}")

    return restore


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_every_tampering_is_found(
    log: Pool, superuser: Connection, kept: Callable[[], Awaitable[None]], way: Tamper
) -> None:
    for seed in range(TIMES):
        kinds = await way(superuser, random.Random(f"{way.__name__} {seed}"))
        found = await verify(log, Trust())
        await kept()
        assert not found.ok, f"{way.__name__} {seed} was not found"
        assert found.first_bad
        assert found.first_bad.kind in kinds, (seed, found.first_bad)
    assert (await verify(log, Trust())).ok


async def test_fifty_untouched_logs_hold(new_database: NewDatabase, tmp_path: Path) -> None:
    """Fifty partitions of eight databases, each with a history of its own: from no event on, with checkpoints or
    without, with archives of any age or none, and jobs that go on after they were archived."""
    seen: list[str] = []
    for number, count in enumerate((1, 1, 1, 1, 2, 4, 8, 32)):
        async with await open_pool(await new_database(count), 4) as pool:
            makers = Makers(pool, count, None)
            async with pool.acquire() as conn:
                await place.say(conn, (tmp_path / str(number)).as_uri())
            for partition in range(count):
                await untouched(pool, makers, partition, random.Random(f"{number} {partition}"))
            report = await verify(pool, Trust())
            assert report.ok, report.first_bad
            assert report.events == sum(each.position for each in report.partitions)
            seen += [each.hash for each in report.partitions]
            archives = await pool.fetchval("select count(distinct partition) from archives")
            assert archives > 0 or count < 8, "some are archived"
    assert len(seen) == 50
    assert len(set(seen)) > 40, "different histories; a few have no event"


async def untouched(pool: Pool, makers: Makers, partition: int, chance: random.Random) -> None:
    """A history as the service makes them."""
    tenant = f"t-{uuid7()}"
    for step in range(chance.randrange(4)):
        await fill(pool, partition, tenant, chance.randint(1, 30), chance.randrange(1000))
        await append(pool, partition, tenant, [(f"tenant:{tenant}", [e.AuditRead(what="events")])])
        if chance.random() < 0.5:
            await makers.make([partition])
        if chance.random() < 0.5:
            await archive_all(pool, [partition], 0, chance.choice([7, 40, 1000]))
        gone = await pool.fetchval(GONE, partition)
        if gone and step:
            retried = e.RetryRequested(run=2, scope="all", plan="")
            await append(pool, partition, tenant, [(gone, [e.RequestRepeated(clicks=9), retried])])


async def test_whoever_owns_the_database_is_found_by_what_is_kept_outside(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    """A log cut short together with its head and its checkpoints, and a whole other database in its place."""
    shelf = Shelf(tmp_path.as_uri())
    async with await open_pool(await new_database(1), 4) as pool:
        await fill(pool, 0, "acme", 5)
        for each in await Makers(pool, 1, None).make():
            await shelf.keep(each)
        assert (await verify(pool, Trust(), await shelf.notes())).ok
        assert (await verify(pool, Trust(), notes_at(tmp_path))).ok
    async with await open_pool(await new_database(1), 4) as other:
        await fill(other, 0, "acme", 5)
        assert (await verify(other, Trust())).ok
        found = await verify(other, Trust(), await shelf.notes())
        assert found.first_bad
        assert found.first_bad.kind is Kind.CHECKPOINT
        await Makers(other, 1, None).make()
        found = await verify(other, Trust(), await shelf.notes())
        assert found.first_bad
        assert found.first_bad.kind is Kind.CHECKPOINT


async def test_a_cut_log_with_cut_checkpoints_is_found_by_the_shelf(
    log: Pool, superuser: Connection, kept: Callable[[], Awaitable[None]], tmp_path: Path
) -> None:
    shelf = Shelf(tmp_path.as_uri())
    for each in await Makers(log, 4, None).make():
        await shelf.keep(each)
    await superuser.execute("delete from signed_checkpoints where position > 20")
    await superuser.execute("delete from events where position > 20")
    await superuser.execute("update heads set position = 20, hash = e.hash from events e "
                            "where e.partition = heads.partition and e.position = 20")  # fmt: skip
    assert (await verify(log, Trust())).ok
    found = await verify(log, Trust(), await shelf.notes())
    await kept()
    assert found.first_bad
    assert (found.first_bad.kind, found.first_bad.position) == (Kind.TRUNCATED, 21)


async def test_keys_change_and_old_checkpoints_still_count(new_database: NewDatabase) -> None:
    old, new, stranger = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3))
    async with await open_pool(await new_database(1), 4) as pool:
        keys = []
        for setting in (old, f"{new},{old}", new):
            makers = Makers(pool, 1, setting)
            await fill(pool, 0, "acme", 2)
            await makers.make()
            keys.append(await makers.public_key())
        assert keys[1] == keys[2] != keys[0]
        assert (await verify(pool, Trust())).ok
        assert (await verify(pool, Trust((keys[2],)))).ok
        for wrong in (keys[0], PublicKey(keys[0].name, Signer("x", base64.b64decode(stranger)).public.raw)):
            found = await verify(pool, Trust((wrong,)))
            assert found.first_bad
            assert found.first_bad.kind is Kind.CHECKPOINT


async def test_a_damaged_log_is_not_signed(
    log: Pool, superuser: Connection, kept: Callable[[], Awaitable[None]]
) -> None:
    """Else a checkpoint made afterwards would say that all is well."""
    await superuser.execute("update events set line = line || ' ' where position = 3")
    await fill(log, 0, "acme", 1)
    with pytest.raises(HistoryDamaged):
        await Makers(log, 4, None).make()
    await kept()


async def test_many_makers_make_one_checkpoint(new_database: NewDatabase) -> None:
    async with await open_pool(await new_database(1), 8) as pool:
        makers = [Makers(pool, 1, None) for _ in range(4)]
        for _ in range(5):
            await fill(pool, 0, "acme", 30)
            made = await asyncio.gather(*(each.make() for each in makers))
            assert len({each[0].note for each in made}) == 1
        assert await pool.fetchval("select count(*) from signed_checkpoints") == 5
        assert (await verify(pool, Trust())).ok
