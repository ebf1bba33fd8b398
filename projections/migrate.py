"""The whole schema: the log's migrations, then the tables of the projections.

The inline projections follow from the log, so their tables need no migrations of their own: where `tables.sql` has
changed, they are built anew in its form and swapped.
"""

from functools import partial
from importlib.resources import files

from eventstore import migrate as log
from eventstore.postgres import open_pool
from projections.rebuild import rebuild


def scripts(dsn: str) -> list[log.Script]:
    """What stands beside the log; an async projection's new table is a new file here."""
    folder = files("projections")
    return [
        log.Script("projections/tables.sql", folder.joinpath("tables.sql").read_text(), partial(_remake, dsn)),
        log.Script("projections/insights.sql", folder.joinpath("insights.sql").read_text()),
        log.Script("projections/insights_recent.sql", folder.joinpath("insights_recent.sql").read_text()),
        log.Script("projections/waits.sql", folder.joinpath("waits.sql").read_text()),
    ]


async def migrate(dsn: str, partitions: int) -> None:
    await log.migrate(dsn, partitions, scripts(dsn))


async def _remake(dsn: str) -> None:
    async with await open_pool(dsn, 2, name="tidings-rebuild") as pool:
        await rebuild(pool)
