"""A process that exports a log as Parquet, to be killed: `python -m tests.store.export_once DSN TENANT OUT`."""

import asyncio
import sys
from pathlib import Path

from eventstore import read
from eventstore.audit.reading import Wanted, read_lines
from eventstore.postgres import open_pool
from services.commands.parquet import rows_in

GROUP_ROWS, PIECE_GROUPS = 40, 3


async def main(dsn: str, tenant: str, out: Path) -> None:
    async with await open_pool(dsn, 2) as pool:
        async with pool.acquire() as conn:
            head = await read.head(conn, 0)
        with rows_in(out, f"all of {tenant}", group_rows=GROUP_ROWS, piece_groups=PIECE_GROUPS) as rows:
            async for page in read_lines(pool, Wanted(partition=0, tenant=tenant), rows.after, head):
                rows.write(page)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
