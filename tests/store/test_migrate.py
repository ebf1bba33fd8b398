"""The schema: made once, together or apart, the same; and the database itself refuses to change the history."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from eventstore.migrate import CannotMigrate, Script
from eventstore.migrate import migrate as migrate_log
from eventstore.partitions import is_partition_count, partition_of
from eventstore.postgres import Pool, open_pool
from eventstore.secrets import secret
from projections.migrate import migrate
from projections.verify import verify
from tests.conftest import NewDatabase
from tests.store.logs import append, fill, job_id, requested
from tests.store.schema import schema_of


async def test_migrating_again_changes_nothing(database: str, pool: Pool) -> None:
    before = await pool.fetch("select * from migrations order by name")
    await asyncio.gather(*(migrate(database, 1) for _ in range(4)))
    assert await pool.fetch("select * from migrations order by name") == before
    assert await pool.fetchval("select count(*) from heads") == 1


async def test_all_migrations_give_exactly_the_golden_schema(pool: Pool) -> None:
    """GOLDEN=write writes it anew; read the difference before you commit it."""
    found = await schema_of(pool)
    golden = Path(__file__).parent.parent / "golden" / "schema.txt"
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(found)
    assert found == golden.read_text()


async def test_a_changed_migration_is_refused(database: str) -> None:
    await migrate_log(database, 1, [Script("later.sql", "create table later (n int)")])
    with pytest.raises(CannotMigrate, match=r"later\.sql was applied in another form"):
        await migrate_log(database, 1, [Script("later.sql", "create table later (n bigint)")])


async def test_a_broken_migration_leaves_nothing_behind(database: str, pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await migrate_log(database, 1, [Script("broken.sql", "create table half (n int); create tabel broken")])
    assert await pool.fetchval("select to_regclass('half')") is None
    assert await pool.fetchval("select count(*) from migrations where name = 'broken.sql'") == 0


OLD_FORM = """alter table jobs add column old text, drop column title; drop table types;
    update migrations set digest = '' where name = 'projections/tables.sql'"""


async def test_projections_of_an_older_form_are_built_anew(new_database: NewDatabase, tenant: str) -> None:
    url = await new_database(1)
    async with await open_pool(url, 2) as pool:
        await fill(pool, 0, tenant, 10)
        schema, jobs = await schema_of(pool), await pool.fetch("select * from jobs order by id")
        await pool.execute(OLD_FORM)
        await asyncio.gather(migrate(url, 1), migrate(url, 1))
        assert await schema_of(pool) == schema
        assert await pool.fetch("select * from jobs order by id") == jobs
        assert await verify(pool) == []


@pytest.mark.parametrize("count", [0, 3, 6, 512])
async def test_partitions_are_a_power_of_two(database: str, count: int) -> None:
    with pytest.raises(CannotMigrate, match="power of two"):
        await migrate(database, count)


async def test_partitions_are_fixed_at_creation(new_database: NewDatabase) -> None:
    url = await new_database(4)
    with pytest.raises(CannotMigrate, match="created with 4 partitions and can't be opened with 8"):
        await migrate(url, 8)
    await migrate(url, 4)


def test_a_tenant_has_one_partition_for_ever() -> None:
    assert [partition_of("default", 1 << n) for n in range(6)] == [0, 1, 1, 1, 1, 1]
    assert partition_of("acme", 256) == int.from_bytes(sha256(b"acme").digest()[:4], "big") % 256
    assert {partition_of(f"t-{n}", 4) for n in range(64)} == {0, 1, 2, 3}
    assert [n for n in range(-1, 10) if is_partition_count(n)] == [1, 2, 4, 8]


@pytest.mark.parametrize(
    "attack", ["update events set actor = 'user:eve'", "delete from events where position = 1", "truncate events"]
)
async def test_the_log_refuses_every_change(pool: Pool, tenant: str, attack: str) -> None:
    """Promise 5, first line of defence: the service's own role can only add."""
    job = job_id()
    await append(pool, 0, tenant, [(job, requested(job))])
    before = await pool.fetch("select * from events order by partition, position")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await pool.execute(attack)
    assert await pool.fetch("select * from events order by partition, position") == before


async def test_two_first_askers_get_one_secret(pool: Pool) -> None:
    async def ask() -> bytes:
        async with pool.acquire() as conn:
            return await secret(conn, "leases")

    found = await asyncio.gather(*(ask() for _ in range(6)))
    assert len(set(found)) == 1
    assert len(found[0]) == 32
