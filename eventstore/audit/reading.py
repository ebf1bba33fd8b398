"""The log as an auditor reads it: sealed lines in order, bounded in memory; what is another tenant's stays hidden."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from importlib.resources import files

import asyncpg
from msgspec import Struct

from eventstore.archive import read as archived
from eventstore.archive.packed import Row
from eventstore.chain import digest_of
from eventstore.postgres import Connection, Pool
from schemas.envelope import seal

PAGE_LINES = 1000
PAGE_BYTES = 4 * 1024 * 1024

_FILES = files("eventstore.audit")
_BY_POSITION = _FILES.joinpath("read_lines.sql").read_text()
_BY_STREAM = _FILES.joinpath("read_stream.sql").read_text()


# By the primary key of jobs.
_OF_TYPE = "select id::text from jobs where partition = $1 and id = any ($2::uuid[]) and type = $3"


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
        # In one snapshot: a range that leaves the table between the two would be missed.
        async with pool.acquire() as conn, conn.transaction(isolation="repeatable_read", readonly=True):
            old = await archived.find(conn, wanted.partition, after + 1)
            if old is None:
                rows: Sequence[asyncpg.Record | Row] = await conn.fetch(*_query(wanted, after, upto))
            else:
                page = await old.block(conn, after + 1)
                rows = await _wanted(conn, wanted, [row for row in page if after < row.position <= upto])
                after = min(page[-1].position, upto)
        if rows and old is None:
            after = rows[-1]["position"]
        if rows:
            yield [Sealed(row["position"], _line(wanted, row)) for row in rows]
        elif old is None:
            return


async def _wanted(conn: Connection, wanted: Wanted, rows: Sequence[Row]) -> list[Row]:
    """The same choice as the table's."""
    found = [row for row in rows if _is_wanted(wanted, row)]
    if wanted.job_type is None or not found:
        return found
    jobs = {row.keys.stream for row in found if ":" not in row.keys.stream}
    of_type = {row["id"] for row in await conn.fetch(_OF_TYPE, wanted.partition, list(jobs), wanted.job_type)}
    own = f"type:{wanted.job_type}"
    return [row for row in found if row.keys.stream == own or row.keys.stream in of_type]


def _is_wanted(wanted: Wanted, row: Row) -> bool:
    keys = row.keys
    return (
        (keys.tenant == wanted.tenant or (wanted.others and wanted.stream is None))
        and wanted.stream in {None, keys.stream}
        and wanted.event_type in {None, keys.type}
        and (wanted.since is None or keys.recorded_at >= wanted.since)
        and (wanted.until is None or keys.recorded_at < wanted.until)
    )


def _query(wanted: Wanted, after: int, upto: int) -> tuple[str, *tuple[object, ...]]:
    page = after, upto, PAGE_LINES, PAGE_BYTES, wanted.since, wanted.until, wanted.event_type
    if wanted.stream is not None:
        return _BY_STREAM, wanted.partition, wanted.tenant, *page, wanted.stream
    return _BY_POSITION, wanted.partition, None if wanted.others else wanted.tenant, *page, wanted.job_type


def _line(wanted: Wanted, row: asyncpg.Record | Row) -> bytes:
    if row["tenant"] == wanted.tenant:
        return seal(row["line"], row["hash"])
    digest, hash_ = digest_of(row["line"]).hex(), row["hash"].hex()
    stub = f'{{"partition":{wanted.partition},"position":{row["position"]},"digest":"{digest}","hash":"{hash_}"}}'
    return stub.encode()
