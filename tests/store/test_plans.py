"""The append's plans are kept from batch to batch, so they must look up rows by their keys, never read a table."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.read import FIRSTS_SQL
from projections.status.read import JOB_SQL, LOOKUP_SQL
from services.jobs.handler import LOAD_SQL, PLAN_KEPT, WRITE_SQL
from tests.conftest import NewDatabase

SCAN = re.compile(r"Scan (?:Backward )?(?:using (\w+) )?on (jobs|queue|dedupe|items|idempotency|events|leases)\b")

# As a busy first minute leaves them: many rows, and no statistics yet.
FILL = """
insert into jobs (partition, id, tenant, ref, type, owner, title, state, version, created_position, position,
                  created_at, due_at, doc, request, retry_input, dedupe)
    select 0, gen_random_uuid(), 'plans', n::text, 'a.b', 'ann', 'x', 'queued', 1, n, n, clock_timestamp(), null, '{}',
           '{}', null, n::text::bytea from generate_series(1, 3000) n;
insert into queue (partition, job, tenant, type, owner, priority, ready_at)
    select 0, id, tenant, type, owner, 0, created_at from jobs where tenant = 'plans';
insert into dedupe (partition, tenant, key, job, first_at, until, active, state)
    select 0, tenant, dedupe, id, created_at, null, true, 'queued' from jobs where tenant = 'plans';
insert into items (partition, job, id, row, "column", reason, value, failed, run, attempt)
    select 0, id, ref, 1, null, null, null, true, 1, 1 from jobs where tenant = 'plans';
insert into idempotency (partition, tenant, call, key, body, status, job, answer, position, at)
    select 0, tenant, 'POST', ref, '', 201, id, null, position, created_at from jobs where tenant = 'plans';
insert into leases (partition, job, tenant, type, owner, run, attempt, worker, lease_s, seen_at, expires_at)
    select 0, id, tenant, type, owner, 1, 1, 'w', 30, created_at, created_at from jobs where tenant = 'plans';
"""


@pytest.fixture(params=["young", "emptied"])
async def planner(request: pytest.FixtureRequest, new_database: NewDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A session that plans as the appender's does.

    Of young tables nothing is known; of some that were vacuumed while they were empty, that every way costs the same.
    """
    conn = await asyncpg.connect(await new_database(1), server_settings=PLAN_KEPT)
    await conn.execute(FILL if request.param == "young" else "vacuum analyze")
    yield conn
    await conn.close()


async def plan(conn: asyncpg.Connection, sql: str) -> list[str]:
    binds = max(int(found) for found in re.findall(r"\$(\d+)", sql))
    await conn.execute(f"prepare looked_at as {sql}")
    rows = await conn.fetch(f"explain (costs off) execute looked_at (0{', null' * (binds - 1)})")
    return [row[0] for row in rows]


def scans(lines: list[str]) -> dict[str, str]:
    """What each scan of a table goes by, by the scan's line."""
    return {
        f"{n} {line.strip()}": next((each.strip() for each in lines[n + 1 : n + 2] if "Cond:" in each), "nothing")
        for n, line in enumerate(lines)
        if SCAN.search(line)
    }


@pytest.mark.parametrize("sql", [LOAD_SQL, WRITE_SQL], ids=["load", "write"])
async def test_every_row_is_found_by_more_than_its_partition(planner: asyncpg.Connection, sql: str) -> None:
    lines = await plan(planner, sql)
    found = scans(lines)
    assert len(found) >= 6, lines
    loose = {scan: by for scan, by in found.items() if "ctid" not in by and by.count("=") < 2}
    live = {scan for scan in loose if scan.endswith("on leases live")}  # counted only where a type has limits
    assert set(loose) == live, "\n".join(lines)
    assert len(live) == (sql is LOAD_SQL)


@pytest.mark.parametrize(
    ("sql", "arguments"),
    [
        (LOOKUP_SQL, "array[0, 0], array[gen_random_uuid(), gen_random_uuid()]"),
        (JOB_SQL, "0, gen_random_uuid(), 'plans'"),
    ],
    ids=["lookup", "job"],
)
async def test_a_job_is_found_by_its_key(planner: asyncpg.Connection, sql: str, arguments: str) -> None:
    """By any session's own choice of a plan."""
    await planner.execute("set plan_cache_mode = auto; reset enable_seqscan; reset enable_bitmapscan")
    await planner.execute(f"prepare found as {sql}")
    lines = [row[0] for row in await planner.fetch(f"explain (costs off) execute found ({arguments})")]
    assert {found[1] for line in lines if (found := SCAN.search(line))} == {"jobs_pkey"}, lines


@pytest.mark.parametrize("planner", ["young"], indirect=True)
async def test_first_events_are_found_one_by_one(planner: asyncpg.Connection) -> None:
    """Even where the planner would rather read the whole log, as it did by what it knew of a younger one."""
    for way in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):
        await planner.execute(f"set enable_{way} = on")
    await planner.execute("set plan_cache_mode = auto; set enable_nestloop = off")
    await planner.execute(f"prepare firsts as {FIRSTS_SQL}")
    many = f"'{{{','.join(map(str, range(500)))}}}'"
    lines = [row[0] for row in await planner.fetch(f"explain (costs off) execute firsts (0, {many}, {many})")]
    assert any("events_stream_version on events" in line for line in lines), lines
    assert any("Nested Loop" in line for line in lines), lines
