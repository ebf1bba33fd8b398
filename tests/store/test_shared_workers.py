"""Workers that serve every tenant, on a real database: by weight, never behind a flood, and only what is ready."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

import asyncpg
import pytest

from eventstore.postgres import Pool
from schemas import requests
from schemas.commands import Assignment, ClaimJobs, DefineType, Outcome, SubmitJob
from schemas.ids import uuid7
from schemas.jobtypes import JobType, Limits
from services.jobs.handler import LOAD_SQL, PLAN_KEPT
from services.waits.workers import Workers
from services.work.waiting import WaitingClaims
from tests.store.asking import done, finish
from tests.store.services import Service, cause

FLOOD = 3_000


@pytest.fixture
def kind() -> str:
    """A job type that no other test's tenants have: a shared worker sees everybody's jobs."""
    return f"shared.t{uuid7().replace('-', '')}"


async def define(service: Service, tenant: str, kind: str, **definition: object) -> None:
    made = JobType(title="Export", **definition)  # type: ignore[arg-type]  # named like its fields
    await done(service, DefineType(tenant=tenant, cause=cause("service"), name=kind, definition=made))


async def submit(service: Service, tenant: str, kind: str, count: int) -> None:
    bodies = [requests.Submit(type=kind, owner="ann", input={"n": n}) for n in range(count)]
    for first in range(0, count, 500):
        commands = [
            SubmitJob(tenant=tenant, cause=cause(), job=uuid7(), body=body) for body in bodies[first : first + 500]
        ]
        assert all(isinstance(answer, Outcome) for answer in await service.do_all(commands))


@asynccontextmanager
async def claims_of(service: Service, pool: Pool) -> AsyncIterator[WaitingClaims]:
    workers = Workers(pool, list(service.tails), lambda _tenant, _worker: False)
    claims = WaitingClaims(service, pool, list(service.tails.values()), workers, net_s=0.2)
    try:
        yield claims
    finally:
        claims.close()
        claims.stop()


async def claim(claims: WaitingClaims, tenant: str, kind: str, most: int = 1, wait_s: float = 0) -> list[Assignment]:
    command = ClaimJobs(
        tenant=tenant, cause=cause("worker", "w"), types=(kind,), worker="w", max=most, everyone=True
    )  # fmt: skip
    outcome = await claims.claim(command, wait_s, asyncio.get_running_loop().create_future())
    assert isinstance(outcome, Outcome)
    return list(outcome.assignments)


def whose(assignments: list[Assignment]) -> Counter[str]:
    return Counter(assignment.job.tenant for assignment in assignments)


async def test_a_flood_delays_another_tenants_job_by_one_job_at_most(
    service: Service, pool: Pool, tenant: str, kind: str
) -> None:
    """All workers are busy with the flood; the first that ends its job takes the other tenant's."""
    quiet = f"{tenant}-quiet"
    for each in (tenant, quiet):
        await define(service, each, kind)
    await submit(service, tenant, kind, FLOOD)
    async with claims_of(service, pool) as claims:
        busy = await claim(claims, "ops", kind, most=8)
        assert whose(busy) == {tenant: 8}
        await submit(service, quiet, kind, 1)
        await done(service, finish(busy[0].job))
        assert whose(await claim(claims, "ops", kind)) == {quiet: 1}
        assert whose(await claim(claims, "ops", kind, most=20)) == {tenant: 20}, "no worker rests while there is work"


async def test_workers_are_shared_by_weight_and_live_leases(
    service: Service, pool: Pool, tenant: str, kind: str
) -> None:
    heavy = f"{tenant}-heavy"
    await define(service, tenant, kind, weight=1)
    await define(service, heavy, kind, weight=3)
    for each in (tenant, heavy):
        await submit(service, each, kind, 60)
    async with claims_of(service, pool) as claims:
        held: list[Assignment] = []
        for _ in range(20):
            held += await claim(claims, "ops", kind)
        assert whose(held) == {tenant: 5, heavy: 15}
        for assignment in [each for each in held if each.job.tenant == heavy]:
            await done(service, finish(assignment.job))
        assert whose(await claim(claims, "ops", kind, most=8)) == {heavy: 8}, "what counts is what runs now"


async def test_a_tenants_limits_hold_and_its_part_goes_to_the_others(
    service: Service, pool: Pool, tenant: str, kind: str
) -> None:
    other = f"{tenant}-other"
    await define(service, tenant, kind, limits=Limits(per_tenant=2))
    await define(service, other, kind)
    for each in (tenant, other):
        await submit(service, each, kind, 20)
    async with claims_of(service, pool) as claims:
        held = [each for _ in range(4) for each in await claim(claims, "ops", kind, most=3)]
    assert whose(held)[tenant] == 2
    assert whose(held)[other] == 10


async def test_a_waiting_shared_worker_hears_of_any_tenants_job(
    service: Service, pool: Pool, tenant: str, kind: str
) -> None:
    await define(service, tenant, kind)
    async with claims_of(service, pool) as claims:
        waiting = asyncio.create_task(claim(claims, "ops", kind, wait_s=30))
        await asyncio.sleep(0)  # it has begun to wait
        await submit(service, tenant, kind, 1)
        assert whose(await waiting) == {tenant: 1}


QUEUED = 100_000
FILL = """insert into queue (partition, job, tenant, type, owner, priority, ready_at)
    select 0, gen_random_uuid(), 'plan-' || n % 50, 'a.b', 'ann', n % 3, clock_timestamp()
    from generate_series(1, $1::int) n"""
TAKEN = re.compile(r"Index Only Scan using queue_next on queue q .*actual .*rows=([\d.]+) loops=(\d+)")


async def test_claims_at_a_hundred_thousand_queued_read_the_index_alone(database: str) -> None:
    """A claim reads as many rows as it takes, by queue_next alone: no sort, no row of the table."""
    conn = await asyncpg.connect(database, server_settings=PLAN_KEPT)
    await conn.execute("begin")
    await conn.execute(FILL, QUEUED)
    await conn.execute("prepare claimed as " + LOAD_SQL)
    empty = ", ".join(["'{}'"] * 11)
    claim = f"execute claimed (0, {empty}, '{{plan-7,plan-8}}', '{{a.b,a.b}}', '{{10,10}}', '{{}}')"
    tenants = files("services.work").joinpath("waiting_tenants.sql").read_text()
    for name, value in (("$1", "'{0}'"), ("$2", "'{a.b}'"), ("$3", "256"), ("$4", "''")):
        tenants = tenants.replace(name, value)
    plans = {
        what: "\n".join(row[0] for row in await conn.fetch(f"explain (analyze, costs off) {sql}"))
        for what, sql in (("claim", claim), ("tenants", tenants))
    }
    await conn.close()
    for what, most in (("claim", 20), ("tenants", 50)):
        read = [round(float(rows) * int(loops)) for rows, loops in TAKEN.findall(plans[what])]
        assert read, plans[what]
        assert max(read) <= most, plans[what]
        assert " on queue q" not in plans[what].replace("Index Only Scan using queue_next on queue q", "")
