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
from schemas.messages import say
from services.front.asked import accepted
from services.jobs.service import JobService
from services.private.vault import Vault

TENANT = "default"

_KNOWN = """select exists (select from api_keys where tenant = $1) or exists (select from types where tenant = $1)
    or exists (select from jobs where tenant = $1)"""


class NoTenant(Exception):
    """A slip in the name must not look like a tenant of whom nothing is kept."""

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"There is no tenant {tenant}.\nName another one with --tenant or TIDINGS_TENANT. "
            "A new tenant begins with `tidings keys create`."
        )


def tenant_of(named: str | None) -> str:
    return named or os.environ.get("TIDINGS_TENANT") or TENANT


async def known_tenant(pool: Pool, named: str | None) -> str:
    """Raises NoTenant."""
    tenant = tenant_of(named)
    if not await pool.fetchval(_KNOWN, tenant):
        raise NoTenant(tenant)
    return tenant


def no_job(language: str, tenant: str, job: str) -> str:
    """That there is none, and the next step."""
    return say(language, "told-none", {"tenant": tenant, "job": job})


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
