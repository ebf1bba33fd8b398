"""The log as an auditor reads it: sealed lines in order, bounded in memory; what is another tenant's stays hidden."""

from collections.abc import AsyncIterator
from datetime import datetime
from importlib.resources import files

import asyncpg
from msgspec import Struct

from eventstore.chain import digest_of
from eventstore.postgres import Pool
from schemas.envelope import seal

PAGE_LINES = 1000
PAGE_BYTES = 4 * 1024 * 1024

_FILES = files("eventstore.audit")
_BY_POSITION = _FILES.joinpath("read_lines.sql").read_text()
_BY_STREAM = _FILES.joinpath("read_stream.sql").read_text()


class Wanted(Struct, frozen=True, kw_only=True):
    """Which lines. `tenant`: whose lines are shown; `others`: those of others come as stubs, else not at all."""

    partition: int
    tenant: str
    others: bool = False
    stream: str | None = None  # a job's id
    event_type: str | None = None
    job_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Sealed(Struct, frozen=True):
    """One line of the answer, and its position."""

    position: int
    line: bytes


async def read_lines(pool: Pool, wanted: Wanted, after: int, upto: int) -> AsyncIterator[list[Sealed]]:
    """Page by page; no connection is held while the reader takes its time."""
    while after < upto:
        async with pool.acquire() as conn:
            rows = await conn.fetch(*_query(wanted, after, upto))
        if not rows:
            return
        after = rows[-1]["position"]
        yield [Sealed(row["position"], _line(wanted, row)) for row in rows]


def _query(wanted: Wanted, after: int, upto: int) -> tuple[str, *tuple[object, ...]]:
    page = after, upto, PAGE_LINES, PAGE_BYTES, wanted.since, wanted.until, wanted.event_type
    if wanted.stream is not None:
        return _BY_STREAM, wanted.partition, wanted.tenant, *page, wanted.stream
    return _BY_POSITION, wanted.partition, None if wanted.others else wanted.tenant, *page, wanted.job_type


def _line(wanted: Wanted, row: asyncpg.Record) -> bytes:
    if row["tenant"] == wanted.tenant:
        return seal(row["line"], row["hash"])
    digest, hash_ = digest_of(row["line"]).hex(), row["hash"].hex()
    stub = f'{{"partition":{wanted.partition},"position":{row["position"]},"digest":"{digest}","hash":"{hash_}"}}'
    return stub.encode()
