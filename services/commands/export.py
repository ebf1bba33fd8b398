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
from eventstore.postgres import Pool
from schemas.envelope import time_text
from schemas.events import AuditRead
from schemas.messages import LANGUAGES
from services.commands.bundles import find_job
from services.commands.database import opened, servers
from services.commands.own_jobs import known_tenant, no_job, recorded_read

BEGINS = b'{"tenant":'  # a sealed line
TAIL_BYTES = 1024 * 1024  # more than any line has
NDJSON, PARQUET = "ndjson", "parquet"


class CannotExport(Exception):
    """In words for a person, with the next step."""


class Sink(Protocol):
    """Where lines go. `after`: the position of the last one that is there already; `known`: lines by which it is told
    whether they are this export's."""

    after: int
    known: Sequence[bytes]

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
            await _check(pool, wanted, sink.known, out)
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


async def _check(pool: Pool, wanted: Wanted, known: Sequence[bytes], out: Path | None) -> None:
    """Lines that are there already stand in this log, and this export has them. Raises CannotExport."""
    for line in known:
        keys = keys_of(line)
        before = keys.position - 1 if keys else 0
        found = [each.line async for page in read_lines(pool, wanted, before, before + 1) for each in page]
        if keys is None or found != [line]:
            raise another(out)


def another(out: Path | None) -> CannotExport:
    return CannotExport(f"{out} holds another export, or something else.\nName another file with --out, or remove it.")


class _Lines:
    """NDJSON. What was torn off at the end of a file is cut before more is written, and not where it is refused."""

    def __init__(self, file: BinaryIO, whole: int | None = None, known: Sequence[bytes] = ()) -> None:
        self._file = file
        self._whole = whole
        self.known = known
        last = keys_of(known[-1]) if known else None
        self.after = last.position if last else 0

    def write(self, page: Sequence[Sealed], /) -> None:
        if self._whole is not None:
            self._file.truncate(self._whole)
            self._whole = None
        self._file.write(b"".join(each.line + b"\n" for each in page))


@contextmanager
def lines_in(out: Path | None, _asked: str) -> Iterator[Sink]:
    """NDJSON into a file or to stdout."""
    if out is None:
        yield _Lines(sys.stdout.buffer)
        return
    with out.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        whole = tail[: tail.rfind(b"\n") + 1]
        file.seek(0)
        first = file.readline(TAIL_BYTES)
        known = [first.rstrip(b"\n"), whole.rstrip(b"\n").rpartition(b"\n")[2]] if whole else [first]
        torn = not whole and (not first or first.startswith(BEGINS))  # of a first line, or nothing at all
        yield _Lines(file, size - len(tail) + len(whole), [] if torn else known)
