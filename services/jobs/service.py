"""The one door for commands: finds the tenant's partition and gives the command to its appender."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
import rfc8785

from eventstore.append import Batch
from eventstore.partitions import partition_of
from eventstore.postgres import AWAY, Pool
from schemas.commands import ClaimJobs, Command, Met, SubmitJob
from schemas.job import Job
from schemas.jobtypes import Definition
from schemas.problems import Fault, Problem, Rejection
from services.jobs.dedupe import Memory
from services.jobs.estimates import UNSAID, Estimates
from services.jobs.handler import Appender, Unavailable
from services.jobs.obey import Answer, uncountable
from services.private.vault import Vault

_TYPE = "select definition from types where partition = $1 and tenant = $2 and name = $3"
# By primary keys; `now` is the clock that every decision goes by.
_MEMORY = """select d.job::text, d.first_at, d.until, d.active, j.doc, greatest(h.recorded_at, clock_timestamp()) as now
    from dedupe d
    join heads h on h.partition = $1
    join jobs j on j.partition = $1 and j.id = d.job
    where d.partition = $1 and d.tenant = $2 and d.key = $3"""

Published = Callable[[int, Batch], None]


class JobService:
    """`published(partition, batch)` is called after each commit of this process."""

    def __init__(
        self,
        pool: Pool,
        dsn: str,
        partitions: int,
        published: Published,
        *,
        batch_max: int = 512,
        queue_max: int = 8192,
        vault: Vault | None = None,
        estimates: Mapping[int, Estimates] | None = None,
    ) -> None:
        self.on_submit: Callable[[SubmitJob], None] = lambda _: None  # called as soon as a submit is queued
        self._vault = vault or Vault()
        self._pool = pool
        self._partitions = partitions
        self._appenders = [
            Appender(
                dsn,
                partition,
                partial(published, partition),
                vault=self._vault,
                batch_max=batch_max,
                queue_max=queue_max,
                estimates=estimates[partition] if estimates else UNSAID,
            )
            for partition in range(partitions)
        ]

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for appender in self._appenders:
                tasks.create_task(appender.run())

    def partition_of(self, tenant: str) -> int:
        return partition_of(tenant, self._partitions)

    def _place(self, command: Command) -> int:
        if isinstance(command, ClaimJobs) and command.tenants:
            return self.partition_of(command.tenants[0])
        return self.partition_of(command.tenant)

    async def do(self, command: Command) -> Answer:
        """Carry out one command. Raises Unavailable while the database is away."""
        return await self.put(command)

    async def do_all(self, commands: Sequence[Command]) -> list[Answer]:
        """Carry out many, in order; each is answered by itself. Raises Unavailable while the database is away."""
        futures = list(map(self.put, commands))
        try:
            return [await each for each in futures]  # one append answers most: the first wakes us, the rest are there
        except BaseException:
            for each in futures:
                each.add_done_callback(_look_at)
            raise

    def put(self, command: Command) -> asyncio.Future[Answer]:
        """The same without waiting: what is put in one step of the loop is decided in one append."""
        future = self._appenders[self._place(command)].put(command)
        if isinstance(command, SubmitJob) and not future.done():  # turned away where the queue is full
            self.on_submit(command)
        return future

    async def find(self, command: SubmitJob) -> Met | Rejection | None:
        """What a submit of the same would reopen; appends nothing. None: it would start a job."""
        partition = self.partition_of(command.tenant)
        try:
            async with self._pool.acquire() as conn:
                raw = await conn.fetchval(_TYPE, partition, command.tenant, command.body.type)
                if raw is None:
                    fault = Fault("/type", "no job type has this name")
                    return Rejection(Problem.UNKNOWN_TYPE, {"name": command.body.type}, (fault,))
                kind = msgspec.json.decode(raw, type=Definition)
                digest = await self._vault.digest(conn, partition, kind, command)
                if digest is None or command.body.again:
                    return None
                row = await conn.fetchrow(_MEMORY, partition, command.tenant, bytes.fromhex(digest))
        except AWAY as error:
            raise Unavailable from error
        except rfc8785.CanonicalizationError:
            return uncountable()
        if row is None or not Memory(row["job"], row["first_at"], row["until"], row["active"]).holds(row["now"]):
            return None
        job = msgspec.json.decode(row["doc"], type=Job)
        return Met(job=job, first_at=row["first_at"], same=kind.dedupe.same)


def _look_at(future: asyncio.Future[Answer]) -> None:
    """So that nobody complains of an error that was told for another one of the same call."""
    if not future.cancelled():
        future.exception()
