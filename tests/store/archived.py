"""Logs with archives, for the store's tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from eventstore.archive import place
from eventstore.archive.write import Archived, Cutoffs, archive
from eventstore.postgres import Pool, open_pool
from schemas import events as e
from schemas.jobtypes import Definition
from services.archiving import ENDED_STATES
from tests.conftest import NewDatabase, Servers
from tests.store.logs import append, fill

TENANT, OTHER = "acme", "other"
ALL = Cutoffs(datetime(9000, 1, 1, tzinfo=UTC))  # everything is old enough


@asynccontextmanager
async def log_of(new_database: NewDatabase, folder: Path, jobs: int = 120) -> AsyncIterator[Pool]:
    """Jobs of two tenants with mixed stories, types and reads between them; archives go to a folder."""
    async with await open_pool(await new_database(1), 4) as pool:
        async with pool.acquire() as conn:
            await place.say(conn, folder.as_uri())
        kind = e.JobTypeDefined(name="orders.export", definition=Definition(title="Export"))
        await append(pool, 0, TENANT, [("type:orders.export", [kind])])
        for part in range(3):
            await fill(pool, 0, TENANT, jobs // 4, part)
            await append(pool, 0, TENANT, [(f"tenant:{TENANT}", [e.AuditRead(what="events")] * 2)])
            await fill(pool, 0, OTHER, jobs // 12, part)
        yield pool


async def archive_some(pool: Pool, most: int = 10_000, limits: Cutoffs = ALL, ranges: int = 1_000) -> list[Archived]:
    done: list[Archived] = []
    async with pool.acquire() as conn:
        while len(done) < ranges and (made := await archive(conn, 0, limits, ENDED_STATES, most)):
            done.append(made)
    return done


async def as_superuser(pool: Pool, servers: Servers, sql: str) -> None:
    name = await pool.fetchval("select current_database()")
    admin = await asyncpg.connect(servers.admin_database_url.rpartition("/")[0] + f"/{name}")
    await admin.execute(sql)
    await admin.close()


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.gz"))
