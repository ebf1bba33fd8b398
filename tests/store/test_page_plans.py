"""A page of the log costs what is on it, however much follows: also while nothing is known of a young table."""

import pytest

from eventstore.outgoing import PAGE_SQL
from eventstore.postgres import Pool
from eventstore.read import READ_SQL
from services.nats.status import CHANGED_SQL

# As a busy first minute leaves it: many rows, and no statistics yet.
FILL = """insert into events (partition, position, tenant, stream, version, type, recorded_at, actor, line, hash)
    select 1000000, n, 'pages', n::text, 1, 'JobQueued', now(), 'system:', decode(repeat('00', 500), 'hex'), ''
    from generate_series(1, 5000) n"""


@pytest.mark.parametrize(
    ("sql", "binds"),
    [(READ_SQL, (1000,)), (PAGE_SQL, (256, 10**6)), (CHANGED_SQL, (256,))],
    ids=["read", "relay", "statuses"],
)
async def test_a_page_ends_where_its_limit_is(pool: Pool, sql: str, binds: tuple[int, ...]) -> None:
    async with pool.acquire() as conn:
        await conn.execute("begin")
        try:
            await conn.execute(FILL)
            rows = await conn.fetch(f"explain (analyze, timing off) {sql}", 1_000_000, 100, *binds)
        finally:
            await conn.execute("rollback")
    lines = [row[0] for row in rows]
    read = [line for line in lines if "Scan using events_pkey on events" in line]
    assert len(read) == 1, "\n".join(lines)
    assert f"rows={binds[0]}.00 loops=1" in read[0]
