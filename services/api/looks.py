"""What operators look at first, counted once for all who look: what waits, for how long, who works, what was spared."""

import asyncio
import time
from importlib.resources import files

from msgspec import Struct

from eventstore.postgres import Pool
from eventstore.remembered import forget_oldest

RECENT_S = 300
HOLDS_S = 1.0  # a look serves everyone who asks within this time
HOLDS_COSTS = 20  # and within so many times of what it cost: counting takes a twentieth of a connection at most
KEPT_MAX = 1000  # tenants whose last look is remembered

_OVERVIEW = files("services.api").joinpath("overview.sql").read_text()
_WORKERS = """select worker, count(*) as jobs from leases where partition = $1 and tenant = $2
    group by worker order by worker limit 200"""


class TypeNow(Struct, frozen=True, kw_only=True):
    """One job type now; `finished` in the last five minutes, to ten seconds, and `repeats` (all duplicates that were
    prevented) follow the log by a moment. Jobs whose lines are archived by now count as well."""

    type: str
    waiting: int
    later: int
    oldest_s: float | None
    running: int
    finished: int
    repeats: int


class WorkerNow(Struct, frozen=True):
    worker: str
    jobs: int


class Overview(Struct, frozen=True):
    types: list[TypeNow]
    workers: list[WorkerNow]
    recent_s: int


class Look(Struct, frozen=True):
    """One count of a tenant's queue, and until when it holds on the process's own clock."""

    found: Overview
    until: float


class Overviews:
    """Counts a queue once for all who ask at about the same time, the longer it is the less often."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._looks: dict[str, Look] = {}
        self._looking: dict[str, asyncio.Task[Overview]] = {}

    async def now(self, partition: int, tenant: str) -> Overview:
        known = self._looks.get(tenant)
        if known and time.monotonic() < known.until:
            return known.found
        looking = self._looking.get(tenant)
        if looking is None:
            looking = asyncio.create_task(self._look(partition, tenant))
            self._looking[tenant] = looking
            looking.add_done_callback(lambda _: self._looking.pop(tenant))
        return await asyncio.shield(looking)  # one who hangs up does not end it for the others

    async def _look(self, partition: int, tenant: str) -> Overview:
        async with self._pool.acquire() as conn:
            began = time.monotonic()
            kinds = await conn.fetch(_OVERVIEW, partition, tenant, RECENT_S)
            workers = await conn.fetch(_WORKERS, partition, tenant)
        found = Overview([TypeNow(**dict(row)) for row in kinds], [WorkerNow(**dict(row)) for row in workers], RECENT_S)
        done = time.monotonic()
        self._looks.pop(tenant, None)
        self._looks[tenant] = Look(found, done + max(HOLDS_S, HOLDS_COSTS * (done - began)))
        forget_oldest(self._looks, KEPT_MAX)
        return found
