"""A command's own door for commands, where it has something to put on record; needs the database alone."""

import asyncio
import contextlib
import getpass
import os
from collections.abc import AsyncIterator

from eventstore.postgres import Pool
from schemas.commands import RecordRead
from schemas.envelope import Actor, Cause
from schemas.events import AuditRead
from schemas.ids import uuid7
from services.front.asked import accepted
from services.jobs.service import JobService
from services.private.vault import Vault

TENANT = "default"


def tenant_of(named: str | None) -> str:
    return named or os.environ.get("TIDINGS_TENANT") or TENANT


async def recorded_read(pool: Pool, database_url: str, tenant: str, event: AuditRead) -> None:
    """Put a read on record before it begins."""
    cause = own_cause()
    async with own_jobs(pool, database_url) as jobs:
        accepted(await jobs.do(RecordRead(tenant=tenant, cause=cause, event=event)))


def own_cause() -> Cause:
    """Who runs the command is who did it."""
    return Cause(actor=Actor("user", _user()), causation_id=uuid7())


def _user() -> str:
    with contextlib.suppress(OSError, KeyError):
        return getpass.getuser()
    return "operator"


@contextlib.asynccontextmanager
async def own_jobs(pool: Pool, database_url: str, vault: Vault | None = None) -> AsyncIterator[JobService]:
    count = await pool.fetchval("select count(*) from heads")
    service = JobService(pool, database_url, count, lambda _partition, _recorded: None, vault=vault)
    running = asyncio.create_task(service.run())
    try:
        yield service
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
