"""The export: 50,000 orders from Postgres to a CSV file. Made anew each time, so it is safe to repeat."""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.demo.pace import Pace, pace_of
from tidings import Context

if TYPE_CHECKING:
    from services.demo.database import Pool

CHUNK = 500
HEADER = ("Order", "Placed", "Customer", "Country", "Product", "Quantity", "Price", "Total", "Status")
READ = """
select id, placed_at, customer, country, product, quantity, price_cents, status
from demo.orders where $1::text is null or country = $1 order by id
"""  # by the primary key, so a cursor streams it without sorting


class ExportSettings(msgspec.Struct, frozen=True):
    country: str | None = None  # such as DK; all where it is missing


class Order(msgspec.Struct, frozen=True, array_like=True):
    id: int
    placed_at: datetime
    customer: str
    country: str
    product: str
    quantity: int
    price_cents: int
    status: str


def line(order: Order) -> tuple[str | int, ...]:
    """An order as a person's spreadsheet should show it."""
    price, total = order.price_cents / 100, order.quantity * order.price_cents / 100
    placed = f"{order.placed_at:%Y-%m-%d %H:%M}"
    facts = (order.customer, order.country, order.product, order.quantity)
    return (order.id, placed, *facts, f"{price:.2f}", f"{total:.2f}", order.status)


class OrderExport:
    def __init__(self, pool: "Pool", pace_s: float) -> None:
        self._pool, self._pace_s = pool, pace_s

    async def __call__(self, ctx: Context) -> None:
        pace, file, spool = pace_of(ctx.settings, self._pace_s), ctx.folder / "orders.csv", ctx.folder / "orders.spool"
        await ctx.stage("reading")
        total = await self._read(spool, msgspec.convert(ctx.settings, ExportSettings).country, pace)
        await ctx.stage("writing")
        await self._write(ctx, spool, file, total, pace)
        await ctx.stage("storing")
        await ctx.result(file, "orders.csv")
        await pace.reach(1.0)

    async def _read(self, spool: Path, country: str | None, pace: Pace) -> int:
        """One snapshot of the table through a server-side cursor, kept beside, so the database is soon left alone."""
        total = 0
        with spool.open("wb") as kept:
            async for chunk in self._chunks(country):
                kept.writelines(msgspec.json.encode(order) + b"\n" for order in chunk)
                total += len(chunk)
        await pace.reach(0.25)
        return total

    async def _chunks(self, country: str | None) -> AsyncIterator[Sequence[Order]]:
        async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            cursor = await connection.cursor(READ, country)
            while rows := await cursor.fetch(CHUNK):
                yield [Order(*row) for row in rows]

    async def _write(self, ctx: Context, spool: Path, file: Path, total: int, pace: Pace) -> None:
        done = 0
        with spool.open("rb") as kept, file.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(HEADER)
            for chunk in _in_chunks(kept):
                writer.writerows(line(msgspec.json.decode(row, type=Order)) for row in chunk)
                done += len(chunk)
                await ctx.progress(done, total)
                await pace.reach(0.25 + 0.65 * done / total)


def _in_chunks(lines: Iterable[bytes]) -> Iterable[list[bytes]]:
    chunk: list[bytes] = []
    for row in lines:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
