"""Which workers are there, and for which types: they say so with each claim, and the processes tell one another.

A worker is there while a claim of it waits, while it has work, and for a minute after its last sign. What this
process hears is known at once; what others hear comes through the table `workers` within seconds.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from msgspec import Struct

from eventstore.partitions import partition_of
from eventstore.postgres import AWAY, Pool
from projections.waits.places import ALIVE_S, Kind

log = structlog.get_logger()

SYNC_S = 2.0
TOLD_EVERY_S = 15.0  # a worker that stays is told again
FORGOTTEN_S = 3600.0
WORKERS_MAX = 50_000  # known in one process

Name = tuple[str, str]  # tenant, worker

# By the primary key. Rows of other processes' workers are left alone.
_TELL = """insert into workers (partition, tenant, worker, types, seen_at)
    select partition, tenant, worker, string_to_array(types, ' '), clock_timestamp()
    from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as told (partition, tenant, worker, types)
    on conflict (partition, tenant, worker) do update set types = excluded.types, seen_at = excluded.seen_at"""
# By workers_seen.
_HEAR = """select tenant, worker, types, extract(epoch from clock_timestamp() - seen_at)::float8 as age_s from workers
    where partition = any ($1) and seen_at > clock_timestamp() - make_interval(secs => $2) limit $3"""
_GONE = """delete from workers
    where (partition, tenant, worker) in (select * from unnest($1::int[], $2::text[], $3::text[]))"""
_FORGET = """delete from workers
    where partition = any ($1) and seen_at < clock_timestamp() - make_interval(secs => $2)"""


EVERYONE = ""  # the tenant of a worker that serves all of them


class Seen(Struct):
    """One worker. `claims`: how many of its claims wait here; times are of the loop's clock."""

    types: tuple[str, ...]
    at: float
    claims: int = 0
    here: bool = False  # this process heard it itself
    told: float = float("-inf")


class Workers:
    """All workers that this process knows of. `works`: whether one has work, by the log."""

    def __init__(
        self, pool: Pool, partitions: Sequence[int], works: Callable[[str, str], bool], *, sync_s: float = SYNC_S
    ) -> None:
        self._pool = pool
        self._partitions = list(partitions)
        self._works = works
        self._sync_s = sync_s
        self._seen: dict[Name, Seen] = {}
        self._of: dict[Kind, set[Name]] = {}
        self._shared: dict[Kind, frozenset[str]] = {}
        self._gone: set[Name] = set()

    def serving(self, kind: Kind) -> frozenset[str] | None:
        """All types that the workers of this type take. None: nobody takes it."""
        found = self._shared.get(kind)
        if found is None and (names := self._of.get(kind)):
            found = self._shared[kind] = frozenset(name for each in names for name in self._seen[each].types)
        if kind[0] and (everyones := self.serving((EVERYONE, kind[1]))):
            return everyones | (found or frozenset())
        return found

    def asks(self, tenant: str, worker: str, types: tuple[str, ...]) -> None:
        """A claim begins; each is followed by `rests` or `leaves`."""
        self._see((tenant, worker), types, _now())
        seen = self._seen.get((tenant, worker))
        if seen:
            seen.here, seen.claims = True, seen.claims + 1
            self._gone.discard((tenant, worker))

    def rests(self, tenant: str, worker: str) -> None:
        """Its claim is answered; it will come again."""
        seen = self._seen.get((tenant, worker))
        if seen:
            seen.claims, seen.at = max(0, seen.claims - 1), _now()

    def leaves(self, tenant: str, worker: str) -> None:
        """It hung up while it waited."""
        self.rests(tenant, worker)
        seen = self._seen.get((tenant, worker))
        if seen and not seen.claims and not self._works(tenant, worker):
            self._forget((tenant, worker))
            self._gone.add((tenant, worker))

    async def run(self) -> None:
        """Until cancelled; while the database is away each process knows its own workers."""
        while True:
            try:
                await self.sync()
            except AWAY as error:
                log.warning("workers are not told to other processes", error=repr(error))
            await asyncio.sleep(self._sync_s)

    async def sync(self) -> None:
        """Forget who is gone, tell what is new here, hear what others know."""
        self._sweep()
        now = _now()
        told = [(name, seen) for name, seen in self._seen.items() if seen.here and self._is_news(name, seen, now)]
        gone, self._gone = self._gone, set()
        async with self._pool.acquire() as conn:
            if told:
                types = [" ".join(seen.types) for _, seen in told]
                await conn.execute(_TELL, *self._columns(name for name, _ in told), types)
                for _, seen in told:
                    seen.told = now
            if gone:
                await conn.execute(_GONE, *self._columns(gone))
            rows = await conn.fetch(_HEAR, self._partitions, ALIVE_S, WORKERS_MAX)
            await conn.execute(_FORGET, self._partitions, FORGOTTEN_S)
        for row in rows:
            name = row["tenant"], row["worker"]
            known = self._seen.get(name)
            if name not in self._gone and (known is None or not known.here):
                self._see(name, tuple(row["types"]), now - row["age_s"])

    def _is_news(self, name: Name, seen: Seen, now: float) -> bool:
        there = seen.claims > 0 or seen.at > seen.told or self._works(*name)
        return there and now - seen.told > TOLD_EVERY_S

    def _columns(self, names: Iterable[Name]) -> list[list[object]]:
        found = list(names)
        return [
            [partition_of(tenant, len(self._partitions)) for tenant, _ in found],
            [tenant for tenant, _ in found],
            [worker for _, worker in found],
        ]

    def _see(self, name: Name, types: tuple[str, ...], at: float) -> None:
        seen = self._seen.get(name)
        if seen is None and len(self._seen) >= WORKERS_MAX:
            return
        if seen is None or seen.types != types:
            self._forget(name)
            before = seen
            seen = self._seen[name] = Seen(types, at)
            if before:
                seen.claims, seen.here = before.claims, before.here
            for each in types:
                self._of.setdefault((name[0], each), set()).add(name)
            self._changed(name[0], types)
        seen.at = max(seen.at, at)

    def _forget(self, name: Name) -> None:
        seen = self._seen.pop(name, None)
        if seen is None:
            return
        self._changed(name[0], seen.types)
        for each in seen.types:
            names = self._of[name[0], each]
            names.discard(name)
            if not names:
                del self._of[name[0], each]

    def _changed(self, tenant: str, types: tuple[str, ...]) -> None:
        for each in types:
            self._shared.pop((tenant, each), None)

    def _sweep(self) -> None:
        now = _now()
        gone = [
            name
            for name, seen in self._seen.items()
            if not seen.claims and now - seen.at > ALIVE_S and not self._works(*name)
        ]
        for name in gone:
            self._forget(name)


def _now() -> float:
    return asyncio.get_running_loop().time()
