"""A job never names a file that is gone: what was forgotten between the look at it and the append is refused."""

import asyncio

from msgspec.structs import replace

from eventstore.postgres import Pool
from eventstore.private import files
from schemas import requests
from schemas.commands import ErasePerson, Outcome, ReportWork, SubmitJob
from schemas.events import StoredResult
from schemas.job import Job
from schemas.jobtypes import JobType
from schemas.problems import Problem, Rejection
from schemas.states import State, visible
from tests.store.asking import EXPORT, claiming, click, done, history, job_of, refused, said, taken, uploaded
from tests.store.services import Service, cause, define

_ROWS = "select person, plain from file_keys where tenant = $1 order by person"


def naming(tenant: str, n: int, *uploads: str, owner: str = "ann") -> SubmitJob:
    body = {"n": n, "uploads": list(uploads)}
    return replace(click(tenant, body, owner=owner), uploads=dict.fromkeys(uploads, "ab" * 32))


def with_result(job: Job, upload: str) -> ReportWork:
    stored = StoredResult(upload=upload, size=3, sha256="ab" * 32)
    return said(job, requests.Finish(result=requests.UploadedResult(upload=upload)), stored)


async def forget(pool: Pool, tenant: str, upload: str) -> None:
    async with pool.acquire() as conn:
        await files.forget(conn, 0, tenant, [upload])


async def test_neighbours_in_an_append_are_carried_out(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    there, gone = await uploaded(pool, tenant), await uploaded(pool, tenant)
    await forget(pool, tenant, gone)
    asked = [naming(tenant, 1, there), naming(tenant, 2, there, gone), click(tenant, 3), naming(tenant, 4, gone)]
    answers = await asyncio.gather(*(service.do(each) for each in asked))
    assert [type(each) for each in answers] == [Outcome, Rejection, Outcome, Rejection]
    assert {each.problem for each in answers if isinstance(each, Rejection)} == {Problem.UNKNOWN_UPLOAD}
    assert [tuple(row) for row in await pool.fetch(_ROWS, tenant)] == [("ann", True)]
    assert await pool.fetchval("select count(*) from jobs where tenant = $1", tenant) == 2


async def test_a_job_is_never_finished_with_a_result_that_is_gone(service: Service, pool: Pool, tenant: str) -> None:
    await define(service, tenant, EXPORT)
    job = await job_of(service, click(tenant))
    (given,) = await taken(service, claiming(tenant))
    result = await uploaded(pool, tenant)
    await forget(pool, tenant, result)
    assert (await refused(service, with_result(given.job, result))).problem is Problem.RESULT_MISSING
    assert "JobFinished" not in await history(pool, tenant, job.id)
    finished = await job_of(service, with_result(given.job, await uploaded(pool, tenant)))
    assert visible(finished.phase) is State.FINISHED


async def test_an_erasure_never_takes_what_is_named_beside_it(service: Service, pool: Pool, tenant: str) -> None:
    """In one batch it would look for what no job names before the job is there."""
    await define(service, tenant, JobType(title="Export", private=("uploads",)))
    hers, his = await uploaded(pool, tenant), await uploaded(pool, tenant)
    await done(service, naming(tenant, 1, hers))
    erase = ErasePerson(tenant=tenant, cause=cause(), owner="ann")
    _, outcome = await asyncio.gather(service.do(naming(tenant, 2, his, owner="bob")), service.do(erase))
    assert isinstance(outcome, Outcome)
    assert outcome.files == (hers,)
    assert [tuple(row) for row in await pool.fetch(_ROWS, tenant)] == [("bob", False)]
