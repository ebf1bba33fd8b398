"""A running job service for the store's tests, and the few commands they give it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore.append import Batch
from eventstore.postgres import Pool
from eventstore.tail import Tail
from schemas import requests
from schemas.commands import ClaimJobs, DefineType, Outcome, SubmitJob
from schemas.envelope import Actor, Cause
from schemas.ids import uuid7
from schemas.jobtypes import JobType
from services.jobs.obey import Answer
from services.jobs.service import JobService
from tests.background import beside

TYPE = "orders.export"


class Service(JobService):
    """With tails that hear of its own appends."""

    def __init__(self, pool: Pool, dsn: str, partitions: int) -> None:
        self.tails = {partition: Tail(pool, partition) for partition in range(partitions)}
        super().__init__(pool, dsn, partitions, self._tell)

    def _tell(self, partition: int, batch: Batch) -> None:
        self.tails[partition].appended(batch)


@asynccontextmanager
async def serving(pool: Pool, dsn: str, partitions: int) -> AsyncIterator[Service]:
    service = Service(pool, dsn, partitions)
    for tail in service.tails.values():
        await tail.start()
    async with beside(service.run(), *(tail.run() for tail in service.tails.values())):
        yield service


def cause(kind: str = "user", name: str = "ann") -> Cause:
    return Cause(actor=Actor(kind, name), causation_id=uuid7())


async def define(service: JobService, tenant: str, kind: JobType) -> None:
    _accepted(await service.do(DefineType(tenant=tenant, cause=cause("service"), name=TYPE, definition=kind)))


async def submit(service: JobService, tenant: str, n: int, owner: str = "ann") -> Outcome:
    """The click that asks for thing number `n`."""
    body = requests.Submit(type=TYPE, owner=owner, input={"n": n})
    return _accepted(await service.do(SubmitJob(tenant=tenant, cause=cause(), job=uuid7(), body=body)))


async def claim(service: JobService, tenant: str, most: int = 1) -> Outcome:
    command = ClaimJobs(tenant=tenant, cause=cause("worker", "w-1"), types=(TYPE,), worker="w-1", max=most)
    return _accepted(await service.do(command))


def _accepted(answer: Answer) -> Outcome:
    assert isinstance(answer, Outcome), answer
    return answer
