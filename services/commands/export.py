"""`tidings audit export`: a tenant's sealed lines as NDJSON or Parquet, in constant memory; broken off, it goes on."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
from typer import BadParameter

from eventstore import read
from eventstore.audit.reading import Sealed, Wanted, read_lines
from eventstore.audit.walk import keys_of
from eventstore.partitions import partition_of
from schemas.envelope import time_text
from schemas.events import AuditRead
from schemas.messages import LANGUAGES
from services.commands.bundles import find_job
from services.commands.database import opened, servers
from services.commands.own_jobs import known_tenant, no_job, recorded_read

TAIL_BYTES = 1024 * 1024  # more than any line has
NDJSON, PARQUET = "ndjson", "parquet"


class CannotExport(Exception):
    """In words for a person, with the next step."""


class Sink(Protocol):
    """Where lines go. `after`: the position of the last one that is there already."""

    after: int

    def write(self, page: Sequence[Sealed], /) -> None: ...


Opened = Callable[[Path | None, str], AbstractContextManager[Sink]]


def form_of(named: str | None, out: Path | None) -> str:
    """As it is named, else by the file's ending. Raises BadParameter."""
    form = named or (PARQUET if out and out.suffix in {".parquet", ".pq"} else NDJSON)
    if form not in {NDJSON, PARQUET}:
        raise BadParameter(f"There is {NDJSON} and {PARQUET}.", param_hint="--format")
    return form


async def export(
    data: Path | None,
    tenant: str | None,
    job: str | None,
    kind: str | None,
    since: datetime | None,
    until: datetime | None,
    out: Path | None,
    opened_as: Opened,
) -> int:
    """Exit 1: there is no such job. A file that has lines already is gone on with behind its last one."""
    async with servers(data) as found, opened(found.database_url) as pool:
        whose = await known_tenant(pool, tenant)
        id_ = await find_job(pool, whose, job) if job else None
        if job and id_ is None:
            print(no_job(LANGUAGES[0], whose, job), file=sys.stderr)
            return 1
        partition = partition_of(whose, await pool.fetchval("select count(*) from heads"))
        times = [time_text(each) if each else None for each in (since, until)]
        event = AuditRead(what="export", job=id_, type=kind, partition=partition, since=times[0], until=times[1])
        of_event = kind if kind and kind[0].isupper() else None
        wanted = Wanted(
            partition=partition, tenant=whose, stream=id_, event_type=of_event,
            job_type=None if of_event else kind, since=since, until=until,
        )  # fmt: skip
        asked = msgspec.json.encode({"tenant": whose, "job": id_, "type": kind, "since": times[0], "until": times[1]})
        with opened_as(out, asked.decode()) as sink:
            await recorded_read(pool, found.database_url, whose, event)
            async with pool.acquire() as conn:
                upto = await read.head(conn, partition)
            lines = 0
            async for page in read_lines(pool, wanted, sink.after, upto):
                sink.write(page)
                lines += len(page)
    if out:
        print(f"{lines:,} new {'line' if lines == 1 else 'lines'} in {out}.", file=sys.stderr)
    return 0


class _Lines:
    """NDJSON."""

    def __init__(self, file: BinaryIO, after: int) -> None:
        self._file = file
        self.after = after

    def write(self, page: Sequence[Sealed], /) -> None:
        self._file.write(b"".join(each.line + b"\n" for each in page))


@contextmanager
def lines_in(out: Path | None, _asked: str) -> Iterator[Sink]:
    """NDJSON into a file or to stdout."""
    if out is None:
        yield _Lines(sys.stdout.buffer, 0)
        return
    with out.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        file.truncate(size - len(tail) + len(whole))
        last = keys_of(whole.splitlines()[-1]) if whole else None
        yield _Lines(file, last.position if last else 0)
