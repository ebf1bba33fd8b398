"""Proof that what is shown follows from the log: every inline projection is built again and compared row by row.

The second build lies in temporary tables of one connection and is made by the very same fold and apply. Each comparison
is made in one repeatable-read snapshot, so live and log stand at the same position while the service runs on; memory
stays bounded, no row is locked.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import msgspec
from msgspec import Struct

from eventstore import read
from eventstore.postgres import AWAY, Connection, Pool
from projections.build import BARE_SQL, Refuse, Seen, build

ROWS_MAX = 200  # told of each table
TIDY_EVENTS = 100_000

KEYS = {
    "jobs": ("partition", "id"),
    "queue": ("partition", "job"),
    "dedupe": ("partition", "tenant", "key"),
    "items": ("partition", "job", "id"),
    "types": ("partition", "tenant", "name"),
}

Row = dict[str, object]

_BESIDE = "set search_path = pg_temp, public"
# A rebuild must not swap the tables under our snapshot; it waits for us.
_HOLD = "lock table public.jobs, public.queue, public.dedupe, public.items, public.types in access share mode"
_TIDY = "vacuum (analyze) jobs, queue, dedupe, items, types"  # nobody else can do it for temporary tables
_COMPARE = """select to_jsonb(live) as live, to_jsonb(rebuilt) as rebuilt
    from public.{table} live full join pg_temp.{table} rebuilt using ({key})
    where (live.*) is distinct from (rebuilt.*) order by {key} limit $1"""
_COMPARES = {table: _COMPARE.format(table=table, key=", ".join(key)) for table, key in KEYS.items()}


class Difference(Struct, frozen=True, kw_only=True):
    """A live value that is not what the log says. `column` is "*" where the whole row is missing or surplus."""

    table: str
    key: dict[str, object]
    column: str
    live: object
    rebuilt: object


async def verify(pool: Pool) -> list[Difference]:
    """Every difference, at most of ROWS_MAX rows in each table; empty when live equals rebuilt."""
    async with pool.acquire() as conn, second_build(conn) as second:
        return await second.differences()


@asynccontextmanager
async def second_build(conn: Connection) -> AsyncIterator["SecondBuild"]:
    """Empty at first. The connection is given back as it came."""
    await conn.execute(_BESIDE)
    await conn.execute(BARE_SQL)
    try:
        yield SecondBuild(conn)
    finally:
        with contextlib.suppress(*AWAY):  # what ended the connection took its temporary tables with it
            await conn.execute("discard temp; reset search_path")


class SecondBuild:
    """The inline projections once more, up to a position of each partition."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.positions: dict[int, int] = {}
        self.refuse: Refuse | None = None  # told of events that can't be taken in; without it, they end the build
        self.seen: Seen | None = None
        self._tidied = 0

    async def catch_up(self) -> None:
        """Up to where the log is now, and a look at the tables each time the log has doubled."""
        await self.build_to(await read.heads(self.conn))
        events = sum(self.positions.values())
        if events >= 2 * self._tidied + TIDY_EVENTS:
            await self.conn.execute(_TIDY)
            self._tidied = events

    async def build_to(self, heads: Mapping[int, int]) -> None:
        for partition, head in heads.items():
            before = self.positions.get(partition, 0)
            await build(self.conn, partition, before, head, refuse=self.refuse, seen=self.seen)
            self.positions[partition] = head

    async def differences(self) -> list[Difference]:
        """All tables, live and rebuilt at the same positions."""
        async with self.at_equal_positions():
            return [each for table in KEYS for each in await _compare(self.conn, table)]

    @asynccontextmanager
    async def at_equal_positions(self) -> AsyncIterator[None]:
        """One snapshot in which live tables, log and second build are all at the heads."""
        await self.catch_up()
        before = dict(self.positions)
        try:
            async with self.conn.transaction(isolation="repeatable_read", readonly=True):
                await self.conn.execute(_HOLD)
                await self.build_to(await read.heads(self.conn))
                yield
        except BaseException:
            self.positions = before  # what was built since went with the transaction
            raise


async def _compare(conn: Connection, table: str) -> list[Difference]:
    rows = await conn.fetch(_COMPARES[table], ROWS_MAX)
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
