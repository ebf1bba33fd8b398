"""A process that archives all that ended, to be killed on its way: `python -m tests.store.archive_once DSN MOST`."""

import asyncio
import sys

from eventstore.postgres import open_pool
from services.archiving import archive_all


async def main(dsn: str, most: int) -> None:
    async with await open_pool(dsn, 2) as pool:
        await archive_all(pool, [0], 0, most)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
