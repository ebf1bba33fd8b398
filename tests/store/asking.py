"""What the tests of the job service ask of it, each in a word."""

import msgspec

from eventstore import read
from eventstore.postgres import Pool
from schemas import requests
from schemas.commands import (
    Assignment,
    CancelJob,
    ClaimJobs,
    Command,
    IdempotencyKey,
    Outcome,
    ReportWork,
    RetryJob,
    SubmitJob,
)
from schemas.events import Json, StoredResult
from schemas.ids import uuid7
from schemas.job import Job
from schemas.jobtypes import JobType
from schemas.problems import Rejection
from services.jobs.service import JobService
from services.private.vault import Vault
from tests.store.services import TYPE, cause

EXPORT = JobType(title="Export")
FILE = StoredResult(inline={"rows": 3})


def click(tenant: str, n: Json = 0, *, key: str | None = None, **fields: object) -> SubmitJob:
    known: dict[str, object] = {"type": TYPE, "owner": "ann", "input": {"n": n}, **fields}
    body = requests.Submit(**known)  # type: ignore[arg-type]  # named like its fields
    bound = IdempotencyKey("POST /v1/jobs", key, msgspec.json.encode(body)) if key else None
    return SubmitJob(tenant=tenant, cause=cause(), key=bound, job=uuid7(), body=body)


def claiming(tenant: str, most: int = 1, *, worker: str = "w-1", key: str | None = None) -> ClaimJobs:
    bound = IdempotencyKey("POST /v1/work/claim", key, worker.encode()) if key else None
    return ClaimJobs(tenant=tenant, cause=cause("worker", worker), key=bound, types=(TYPE,), worker=worker, max=most)


def said(job: Job, body: requests.Body, result: StoredResult | None = None) -> ReportWork:
    by = cause("worker", "w-1")
    return ReportWork(
        tenant=job.tenant, cause=by, job=job.id, run=job.run, attempt=job.attempt, body=body, result=result
    )


def finish(job: Job) -> ReportWork:
    return said(job, requests.Finish(result=requests.UploadedResult(upload="u")), FILE)


def cancel(job: Job) -> CancelJob:
    return CancelJob(tenant=job.tenant, cause=cause(), job=job.id)


async def uploaded(pool: Pool, tenant: str, partition: int = 0) -> str:
    """A file as far as the log knows of it: its key. No job names it yet."""
    upload = uuid7()
    async with pool.acquire() as conn:
        await Vault().new_key(conn, partition, tenant, upload, None)
    return upload


async def done(service: JobService, command: Command) -> Outcome:
    answer = await service.do(command)
    assert isinstance(answer, Outcome), answer
    return answer


async def job_of(service: JobService, command: Command) -> Job:
    job = (await done(service, command)).job
    assert job
    return job


async def taken(service: JobService, command: ClaimJobs) -> list[Assignment]:
    return list((await done(service, command)).assignments)


async def history(pool: Pool, tenant: str, job: str, partition: int = 0) -> list[str]:
    async with pool.acquire() as conn:
        return [told.type for told in await read.read_stream(conn, partition, tenant, job)]


async def refused(service: JobService, command: Command) -> Rejection:
    answer = await service.do(command)
    assert isinstance(answer, Rejection), answer
    return answer


def retry(job: Job, **body: object) -> RetryJob:
    asked = requests.Retry(**body)  # type: ignore[arg-type]  # named like its fields
    return RetryJob(tenant=job.tenant, cause=cause(), job=job.id, body=asked)
