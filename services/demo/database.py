"""The product's own tables, in a schema `demo`: orders to export, customers to import into."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    Pool = asyncpg.Pool[asyncpg.Record]

ORDERS = 50_000
SQL = (Path(__file__).parent / "tables.sql").read_text()
FILL = (Path(__file__).parent / "fill_orders.sql").read_text()


@asynccontextmanager
async def open_database(url: str, *, size: int = 8) -> "AsyncIterator[Pool]":
    async with asyncpg.create_pool(url, min_size=1, max_size=size) as pool:
        yield pool


async def prepare(pool: "Pool") -> None:
    """Make the tables and fill the orders, once, whoever comes first."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtext('tidings demo tables'))")
        await connection.execute(SQL)
        if await connection.fetchval("select count(*) from demo.orders") != ORDERS:
            await connection.execute("truncate demo.orders")
            await connection.execute(FILL, ORDERS)
