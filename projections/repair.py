"""Spoiled rows are put right from the log, one by one, while the service runs; a rebuild would make all of them anew.

The second build is made beside the live tables. Only to put the rows in place are appends held, for a moment.
"""

from msgspec import Struct

from eventstore.append import stop_appends
from eventstore.postgres import Connection, Pool
from projections.verify import KEYS, Difference, SecondBuild, second_build

PASSES_MAX = 5  # a row may be spoiled again while another one is mended

_BE_POLITE = "set local lock_timeout = '5s'"  # rather none is mended than that appends wait for long
_SPOILED = """create temp table spoiled_{table} as select {key}
    from public.{table} live full join pg_temp.{table} rebuilt using ({key})
    where (live.*) is distinct from (rebuilt.*)"""
_REMOVE = "delete from public.{table} live using spoiled_{table} spoiled where ({live}) = ({spoiled})"
_PUT = "insert into public.{table} select rebuilt.* from pg_temp.{table} rebuilt join spoiled_{table} using ({key})"
_FORGET = "drop table if exists spoiled_{table}"


class Repair(Struct, frozen=True):
    """What was found. `ok`: live equals rebuilt now."""

    ok: bool
    rows: int  # mended
    differences: list[Difference]


async def repair(pool: Pool) -> Repair:
    """Mend every row that is not what the log says, missing and surplus ones too."""
    async with pool.acquire() as conn, second_build(conn) as second:
        found = told = await second.differences()
        rows = 0
        for _ in range(PASSES_MAX):
            if not told:
                break
            rows += await _mend(second)
            told = await second.differences()
        return Repair(not told, rows, found)


async def _mend(second: SecondBuild) -> int:
    conn = second.conn
    async with conn.transaction(isolation="repeatable_read"):
        for table in KEYS:
            await conn.execute(_statement(_FORGET, table))
            await conn.execute(_statement(_SPOILED, table))
    before = dict(second.positions)
    try:
        async with conn.transaction():
            return await _put_in_place(conn, second)
    except BaseException:
        second.positions = before
        raise


async def _put_in_place(conn: Connection, second: SecondBuild) -> int:
    """Whatever the rows were in the meantime, while appends are stopped the second build has their truth."""
    await conn.execute(_BE_POLITE)
    await second.build_to(await stop_appends(conn))
    rows = 0
    for table in KEYS:
        rows += await conn.fetchval(_statement("select count(*) from spoiled_{table}", table))
        await conn.execute(_statement(_REMOVE, table))
        await conn.execute(_statement(_PUT, table))
    return rows


def _statement(template: str, table: str) -> str:
    """The tables and their keys are those of KEYS: no name comes from elsewhere."""
    key = KEYS[table]
    return template.format(
        table=table,
        key=", ".join(key),
        live=", ".join(f"live.{name}" for name in key),
        spoiled=", ".join(f"spoiled.{name}" for name in key),
    )
