"""The schema, brought to its newest form: each file once, in order, under a lock, its digest on record."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files

import asyncpg
from msgspec import Struct

from eventstore.partitions import PARTITIONS_MAX, is_partition_count
from eventstore.postgres import Connection

LOCK = 0x7469_6469  # of the whole database: two processes that start together migrate one after the other

_RECORD = """create table if not exists migrations (
    name text primary key, digest bytea not null, applied_at timestamptz not null default clock_timestamp()
)"""
_APPLIED = "select name, digest from migrations"
_APPLY = "insert into migrations (name, digest) values ($1, $2)"
_REMADE = "update migrations set digest = $2, applied_at = clock_timestamp() where name = $1"
_COUNT = "select count(*) from heads"
_MAKE_HEADS = "insert into heads (partition) select generate_series(0, $1::int - 1)"


class Script(Struct, frozen=True):
    """One file. Once applied it must never change, unless `remake` can bring what it made into its new form."""

    name: str
    sql: str
    remake: Callable[[], Awaitable[None]] | None = None


class CannotMigrate(Exception):
    """The database does not fit this version of the service; says why and what to do."""


async def migrate(dsn: str, partitions: int, extra: Sequence[Script] = ()) -> None:
    """Apply what is missing of the log's own migrations and of `extra`, then make the heads.

    Each file is applied in a transaction of its own: an interrupted run is finished by the next one.
    """
    if not is_partition_count(partitions):
        raise CannotMigrate(f"Partitions must be a power of two from 1 to {PARTITIONS_MAX}, not {partitions}.")
    conn = await asyncpg.connect(dsn, server_settings={"client_min_messages": "warning", "timezone": "UTC"})
    try:
        await conn.execute("select pg_advisory_lock($1)", LOCK)
        await conn.execute(_RECORD)
        applied: dict[str, bytes] = {row["name"]: row["digest"] for row in await conn.fetch(_APPLIED)}
        for script in (*own_scripts(), *extra):
            await _apply(conn, script, applied)
        await _make_heads(conn, partitions)
    finally:
        await conn.close()


def own_scripts() -> list[Script]:
    """The log's migrations, by number."""
    folder = files("eventstore").joinpath("migrations")
    found = [Script(file.name, file.read_text()) for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted(found, key=lambda script: script.name)


async def _apply(conn: Connection, script: Script, applied: dict[str, bytes]) -> None:
    digest = hashlib.sha256(script.sql.encode()).digest()
    if applied.get(script.name) == digest:
        return
    if script.name not in applied:
        async with conn.transaction():
            await conn.execute(script.sql)
            await conn.execute(_APPLY, script.name, digest)
    elif script.remake:
        await script.remake()
        await conn.execute(_REMADE, script.name, digest)
    else:
        raise CannotMigrate(
            f"The migration {script.name} was applied in another form. An applied migration must never change: "
            "restore the file and put the change into a new one."
        )


async def _make_heads(conn: Connection, partitions: int) -> None:
    count = await conn.fetchval(_COUNT)
    if count == 0:
        await conn.execute(_MAKE_HEADS, partitions)
    elif count != partitions:
        raise CannotMigrate(
            f"This log was created with {count} partitions and can't be opened with {partitions}: "
            f"set TIDINGS_PARTITIONS={count}."
        )
