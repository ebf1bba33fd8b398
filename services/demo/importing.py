"""The import: good rows are in once, bad rows wait for a person, and a retry touches only those."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from services.demo.customers import (
    COLUMNS,
    Row,
    Table,
    check,
    corrections,
    inline_corrections,
    read_table,
    record,
)
from services.demo.pace import Pace, pace_of
from tidings import Context, Fail, Item, NeedsFix

if TYPE_CHECKING:
    from services.demo.database import Pool

CHUNK = 100
ADD = """
insert into demo.customers (job, line, name, email, company, country, start_date, plan)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (job, line) do nothing
"""
REJECT = """
insert into demo.rejected_customers (job, line, fields) values ($1, $2, $3)
on conflict (job, line) do update set fields = excluded.fields
"""
MENDED = "delete from demo.rejected_customers where job = $1 and line = any($2)"
REJECTED = "select line, fields from demo.rejected_customers where job = $1 and line = any($2) order by line"


class ImportInput(msgspec.Struct, frozen=True):
    """A file, by its upload; for a retry also the corrected rows themselves."""

    upload: str | None = None
    rows: list[dict[str, object]] = []


class CustomerImport:
    def __init__(self, pool: "Pool", pace_s: float) -> None:
        self._pool, self._pace_s = pool, pace_s

    async def __call__(self, ctx: Context) -> None:
        pace = pace_of(ctx.settings, self._pace_s * (0.3 if ctx.items else 1.0))
        await ctx.stage("reading")
        asked = msgspec.convert(ctx.input, ImportInput)
        rows = await self._mended(ctx, asked, ctx.items) if ctx.items else (await self._file(ctx, asked)).rows
        await pace.reach(0.15)
        await ctx.stage("checking")
        bad = await self._take(ctx, rows, pace)
        if bad:
            raise _attention(bad)
        added = await self._pool.fetchval("select count(*) from demo.customers where job = $1", ctx.job)
        ctx.inline({"customers": added})
        await pace.reach(1.0)

    async def _file(self, ctx: Context, asked: ImportInput) -> Table:
        if asked.upload is None:
            step = "Choose a CSV file and start the import again."
            raise Fail("input names no upload", text="There is no file to import.", retryable=False, next=step)
        path = await ctx.download(asked.upload)
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                return read_table(file)
        except UnicodeDecodeError as error:
            raise NeedsFix("This file is not plain text in UTF-8.", next="Save it as CSV in UTF-8.") from error

    async def _mended(self, ctx: Context, asked: ImportInput, items: Sequence[Item]) -> dict[int, Row]:
        """The rows that failed, as they stood in the file, with the person's corrections laid over them."""
        wanted = [item.row for item in items if item.row is not None]
        mended = inline_corrections(asked.rows)
        if asked.upload is not None:
            mended |= corrections(await self._file(ctx, asked))
        rejected = await self._pool.fetch(REJECTED, ctx.job, wanted)
        return {line: {**msgspec.json.decode(fields, type=Row), **mended.get(line, {})} for line, fields in rejected}

    async def _take(self, ctx: Context, rows: Mapping[int, Row], pace: Pace) -> list[str]:
        """Check and add in chunks, each whole or not at all; says each bad row and returns what is wrong with them."""
        bad: list[str] = []
        done, left = 0, iter(rows.items())
        while chunk := list(islice(left, CHUNK)):
            wrong = {line: found for line, row in chunk if (found := check(row))}
            good = [pair for pair in chunk if pair[0] not in wrong]
            await self._store(ctx.job, good, [pair for pair in chunk if pair[0] in wrong])
            for line, found in wrong.items():
                await ctx.problem(row=line, column=found.column, reason=found.reason, value=found.value)
                bad.append(f"Row {line}: {found.column} {found.reason}.")
            done += len(chunk)
            await ctx.progress(done, len(rows))
            await pace.reach(0.15 + 0.7 * done / len(rows))
        return bad

    async def _store(self, job: str, good: list[tuple[int, Row]], bad: list[tuple[int, Row]]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.executemany(ADD, [(job, line, *record(row)) for line, row in good])
            await connection.execute(MENDED, job, [line for line, _ in good])
            fields = [(line, {column: row.get(column, "") for column in COLUMNS}) for line, row in bad]
            await connection.executemany(
                REJECT, [(job, line, msgspec.json.encode(row).decode()) for line, row in fields]
            )


def _attention(bad: Sequence[str]) -> NeedsFix:
    if len(bad) == 1:
        return NeedsFix(bad[0], next="Fix this row and retry only it.")
    return NeedsFix(
        f"{len(bad)} rows need attention.", next="Download the problem rows, fix them, and retry only those."
    )
