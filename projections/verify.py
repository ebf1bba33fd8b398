"""Proof that what is shown follows from the log: every inline projection is built anew and compared, row for row.

All is read in one repeatable-read snapshot, so live and log stand at the same position while the service runs on. The
rows are built into temporary tables by the very same fold and apply; memory stays bounded, no row is locked.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from eventstore import read
from eventstore.postgres import Connection, Pool
from projections.build import ANALYZE_SQL, BARE_SQL, build

ROWS_MAX = 200  # told of each table

KEYS = {
    "jobs": ("partition", "id"),
    "queue": ("partition", "job"),
    "dedupe": ("partition", "tenant", "key"),
    "items": ("partition", "job", "id"),
    "types": ("partition", "tenant", "name"),
}

Row = dict[str, object]

# A rebuild must not swap the tables under our snapshot; it waits for us.
_HOLD = "lock table " + ", ".join(f"public.{table}" for table in KEYS) + " in access share mode"
_COMPARE = """select to_jsonb(live) as live, to_jsonb(rebuilt) as rebuilt
    from public.{table} live full join pg_temp.{table} rebuilt using ({key})
    where (live.*) is distinct from (rebuilt.*) order by {key} limit $1"""


class Difference(Struct, frozen=True, kw_only=True):
    """A live value that is not what the log says. `column` is "*" where the whole row is missing or surplus."""

    table: str
    key: dict[str, object]
    column: str
    live: object
    rebuilt: object


async def verify(pool: Pool) -> list[Difference]:
    """Every difference, at most of ROWS_MAX rows in each table; empty when live equals rebuilt."""
    async with pool.acquire() as conn:
        await conn.execute("set search_path = pg_temp, public")
        await conn.execute(BARE_SQL)
        try:
            async with conn.transaction(isolation="repeatable_read", readonly=True):
                await conn.execute(_HOLD)
                for partition, head in (await read.heads(conn)).items():
                    await build(conn, partition, 0, head)
                await conn.execute(ANALYZE_SQL)
                return [difference for table in KEYS for difference in await _compare(conn, table)]
        finally:
            await conn.execute("discard temp")


async def _compare(conn: Connection, table: str) -> list[Difference]:
    rows = await conn.fetch(_COMPARE.format(table=table, key=", ".join(KEYS[table])), ROWS_MAX)
    return [each for row in rows for each in _differences(table, _decoded(row["live"]), _decoded(row["rebuilt"]))]


def _decoded(row: str | None) -> Row | None:
    found: Row | None = msgspec.json.decode(row) if row else None
    return found


def _differences(table: str, live: Row | None, rebuilt: Row | None) -> Iterator[Difference]:
    key = {name: (live or rebuilt or {})[name] for name in KEYS[table]}
    if live is None or rebuilt is None:
        yield Difference(table=table, key=key, column="*", live=live, rebuilt=rebuilt)
        return
    for column in live:
        if live[column] != rebuilt[column]:
            for name, one, other in _told(column, live[column], rebuilt[column]):
                yield Difference(table=table, key=key, column=name, live=one, rebuilt=other)


def _told(column: str, live: object, rebuilt: object) -> list[tuple[str, object, object]]:
    """A differing document is told by its fields (`doc.phase`), anything else by its value."""
    one, other = _opened(live), _opened(rebuilt)
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        if names:
            return [(f"{column}.{name}", one.get(name), other.get(name)) for name in names]
    return [(column, live, rebuilt)]


def _opened(value: object) -> object:
    """The JSON in a column of bytes, which Postgres writes as hex."""
    if not isinstance(value, str) or not value.startswith("\\x"):
        return value
    try:
        opened: object = msgspec.json.decode(bytes.fromhex(value[2:]))
    except (ValueError, msgspec.DecodeError):
        return value
    return opened
