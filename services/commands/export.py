"""`tidings audit export`: a tenant's sealed lines as NDJSON, in constant memory, and where it broke off it goes on."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from eventstore import read
from eventstore.audit.reading import Wanted, read_lines
from eventstore.audit.walk import keys_of
from eventstore.partitions import partition_of
from schemas.envelope import time_text
from schemas.events import AuditRead
from services.commands.bundles import find_job
from services.commands.database import opened, servers
from services.commands.own_jobs import recorded_read, tenant_of

TAIL_BYTES = 1024 * 1024  # more than any line has


async def export(
    data: Path | None,
    tenant: str | None,
    job: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    out: Path | None,
) -> int:
    """Exit 1: there is no such job. A file that has lines already is gone on with behind its last whole one."""
    whose = tenant_of(tenant)
    async with servers(data) as found, opened(found.database_url) as pool:
        id_ = await find_job(pool, whose, job) if job else None
        if job and id_ is None:
            print(f"{whose} has no job {job}.", file=sys.stderr)
            return 1
        partition = partition_of(whose, await pool.fetchval("select count(*) from heads"))
        times = [time_text(each) if each else None for each in (since, until)]
        event = AuditRead(what="export", job=id_, type=kind, partition=partition, since=times[0], until=times[1])
        await recorded_read(pool, found.database_url, whose, event)
        async with pool.acquire() as conn:
            upto = await read.head(conn, partition)
        of_event = kind if kind and kind[0].isupper() else None
        wanted = Wanted(
            partition=partition, tenant=whose, stream=id_, event_type=of_event,
            job_type=None if of_event else kind, since=since, until=until,
        )  # fmt: skip
        with _file(out) as (file, after):
            async for page in read_lines(pool, wanted, after, upto):
                file.write(b"".join(each.line + b"\n" for each in page))
    return 0


@contextmanager
def _file(out: Path | None) -> Iterator[tuple[BinaryIO, int]]:
    """Where lines go, and the position of the last one that is there."""
    if out is None:
        yield sys.stdout.buffer, 0
        return
    with out.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        file.truncate(size - len(tail) + len(whole))
        last = keys_of(whole.splitlines()[-1]) if whole else None
        yield file, last.position if last else 0
