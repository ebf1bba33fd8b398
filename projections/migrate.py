"""The whole schema: the log's migrations, then the tables of the projections."""

from importlib.resources import files

from eventstore import migrate as log


def scripts() -> list[log.Script]:
    """What stands beside the log; a projection's new table is a new file here."""
    folder = files("projections")
    return [(f"projections/{name}", folder.joinpath(name).read_text()) for name in ("tables.sql", "insights.sql")]


async def migrate(dsn: str, partitions: int) -> None:
    await log.migrate(dsn, partitions, scripts())
