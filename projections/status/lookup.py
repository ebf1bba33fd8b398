"""One job by its id, for callers who come by the thousand: what was asked while a query ran is the next query.

A busy process so asks for many jobs at once, an idle one waits for nobody. A lookup never joins a query that has begun
before it, so it sees whatever was committed before it was asked (read your click).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import asyncpg
import msgspec

from eventstore.postgres import Pool
from projections.status.read import LOOKUP_SQL
from schemas.job import Job

TOGETHER_MAX = 256  # jobs in one query
READ_MAX = 2_000  # jobs that were read lately: one that has not changed is not decoded again

_job = msgspec.json.Decoder(Job)

Place = tuple[int, str]  # partition, job
Found = tuple[Job, datetime]  # and when that was so, by the database's clock
Row = asyncpg.Record


class Lookup:
    """One for a process. Whose job it is, the caller minds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: dict[Place, list[asyncio.Future[Row | None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._read_before: OrderedDict[str, tuple[bytes, Job]] = OrderedDict()

    async def job(self, partition: int, tenant: str, job: str) -> Found | None:
        """The job as it is. None where the tenant has none of this id. Raises what the database raises."""
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault((partition, job), []).append(future)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        row = await future  # each its own: who hangs up leaves the answer to the others
        if row is None:
            return None
        found = self._decoded(job, row["doc"])  # here, so that a spoiled row fails nobody else
        return (found, row["at"]) if found.tenant == tenant else None

    def _decoded(self, job: str, doc: bytes) -> Job:
        before = self._read_before.get(job)
        if before and before[0] == doc:
            return before[1]
        found = _job.decode(doc)
        self._read_before[job] = doc, found
        self._read_before.move_to_end(job)
        if len(self._read_before) > READ_MAX:
            self._read_before.popitem(last=False)
        return found

    async def _ask(self) -> None:
        """Until nobody waits."""
        while self._asked:
            batch = {place: self._asked.pop(place) for place in list(self._asked)[:TOGETHER_MAX]}
            try:
                rows = await self._read(list(batch))
            except Exception as error:  # noqa: BLE001 - each who asked judges it
                for future in _waiting(batch.values()):
                    future.set_exception(error)
                continue
            found: dict[int, Row] = {row["nth"]: row for row in rows}
            for nth, futures in enumerate(batch.values(), start=1):
                for future in _waiting([futures]):
                    future.set_result(found.get(nth))

    async def _read(self, places: Sequence[Place]) -> list[Row]:
        partitions, jobs = [place[0] for place in places], [place[1] for place in places]
        async with self._pool.acquire() as conn:
            rows: list[Row] = await conn.fetch(LOOKUP_SQL, partitions, jobs)
            return rows


def _waiting(asked: Iterable[list[asyncio.Future[Row | None]]]) -> Iterator[asyncio.Future[Row | None]]:
    """Of those who asked, who has not hung up."""
    return (future for futures in asked for future in futures if not future.done())
