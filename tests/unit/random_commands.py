"""Commands by chance: every kind, for a few types with all rules, few owners and workers, so that they meet."""

from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from schemas import requests
from schemas.commands import (
    CancelJob,
    ClaimJobs,
    DefineType,
    IdempotencyKey,
    ReportWork,
    RetryJob,
    SubmitJob,
    TimeCame,
)
from schemas.envelope import Actor, Cause
from schemas.events import StoredResult
from schemas.ids import uuid7
from schemas.job import Job
from schemas.jobtypes import Backoff, Dedupe, Definition, JobType, Limits, Retry, Stage, Stall
from services.jobs.plan import plan_digest

TENANTS = ("default", "acme")
WORKERS = ("w1", "w2", "w3")
NAMES = ("export", "import", "notes", "mail")
STAGES = (Stage("reading"), Stage("writing"))
KINDS = (
    Definition(title="Export", stages=STAGES),
    Definition(
        title="Import",
        stages=STAGES,
        dedupe=Dedupe(same=("owner", "input.k"), for_="10m"),
        retry=Retry(safety="may_duplicate", attempts=2, backoff=Backoff(first=5, max=20)),
        lease=2,
        limits=Limits(per_owner=1),
    ),
    Definition(
        title="Notes",
        dedupe=Dedupe(for_="forever"),
        retry=Retry(safety="may_charge", mode="resumes"),
        stall=Stall(quiet=5, stuck=10, do="retry"),
        deadline=60,
        expires=100,
    ),
    Definition(
        title="Mail", dedupe=Dedupe(for_="never"), limits=Limits(total=1, per_tenant=1), stall=Stall(quiet=3, stuck=4)
    ),
)
CAUSE = Cause(actor=Actor("user", "ann"), causation_id="0193c5a0-0000-7000-8000-000000000000")
FILE = StoredResult(inline={"rows": 3})

rows = st.integers(1, 4)
numbers = st.integers(0, 6).map(float)
items = st.builds(requests.ItemReport, row=rows, reason=st.sampled_from(["is missing", "is odd"]))
named = st.builds(requests.FinishedItem, row=rows, reason=st.sampled_from([None, None, "is odd"]))
counts = st.builds(
    requests.ItemCounts,
    ready=st.none() | st.integers(0, 5),
    failed=st.none() | st.integers(0, 2),
    total=st.none() | st.integers(0, 6),
)
problems = st.builds(requests.Problems, items=st.lists(items, max_size=3))
finishes = st.builds(
    requests.Finish,
    result=st.just(requests.UploadedResult(upload="u")),
    items=st.none() | counts | st.lists(named, max_size=3),
)
bodies: st.SearchStrategy[requests.Body] = st.one_of(
    problems,
    finishes,
    st.builds(requests.Stage, name=st.sampled_from(["reading", "writing", "writing", "baking"])),
    st.builds(requests.Progress, done=numbers, total=st.none() | numbers),
    problems,
    finishes,
    st.builds(requests.NeedsFix, text=st.just("The file is empty."), row=st.none() | rows),
    st.builds(requests.Fail, reason=st.just("boom"), retryable=st.sampled_from([None, True, False])),
    st.builds(requests.Progress, done=numbers, total=st.none() | numbers),
    st.builds(requests.Release),
    st.builds(requests.Heartbeat),
)


class Click(NamedTuple):
    tenant: str
    name: str
    owner: str
    input: int
    again: bool
    priority: int | None
    later_s: float | None
    key: str | None


submits = st.builds(
    Click,
    tenant=st.sampled_from(["default", "default", "default", "acme"]),
    name=st.sampled_from(NAMES),
    owner=st.sampled_from(["ann", "ann", "ann", "bea"]),
    input=st.sampled_from([0, 0, 0, 1]),
    again=st.sampled_from([False, False, False, True]),
    priority=st.sampled_from([None, None, -5, 5]),
    later_s=st.sampled_from([None, None, None, -1, 30]),
    key=st.sampled_from([None, None, "k1", "k2"]),
)


class Wish(NamedTuple):
    scope: str
    confirm: bool
    plan: str | None  # "shown", "other" or none
    input: object


retries = st.builds(
    Wish,
    scope=st.sampled_from(["all", "failed_items", "failed_items"]),
    confirm=st.sampled_from([True, True, True, False]),
    plan=st.sampled_from([None, "shown", "shown", "other"]),
    input=st.sampled_from([None, None, {"rows": []}]),
)


def define(tenant: str, name: str, kind: Definition) -> DefineType:
    known = {field: getattr(kind, field) for field in JobType.__struct_fields__}
    return DefineType(tenant=tenant, cause=CAUSE, name=name, definition=JobType(**known))


def job_id(n: int) -> str:
    """The same each time, so that a failure can be told again."""
    return uuid7(n.to_bytes(10, "big"), n)


def submit(chosen: Click, now: datetime, job: str) -> SubmitJob:
    not_before = None if chosen.later_s is None else now + timedelta(seconds=chosen.later_s)
    body = requests.Submit(
        type=chosen.name,
        owner=chosen.owner,
        input={"k": chosen.input, "rows": 3},
        again=chosen.again or None,
        priority=chosen.priority,
        not_before=not_before,
    )
    said = repr(chosen).encode()
    key = IdempotencyKey("POST /v1/jobs", chosen.key, said) if chosen.key else None
    return SubmitJob(tenant=chosen.tenant, cause=CAUSE, key=key, job=job, body=body)


def claim(tenant: str, names: list[str], worker: str, most: int, key: str | None = None) -> ClaimJobs:
    bound = IdempotencyKey("POST /v1/work/claim", key, worker.encode()) if key else None
    return ClaimJobs(tenant=tenant, cause=CAUSE, key=bound, types=tuple(names), worker=worker, max=most)


def report(job: Job, body: requests.Body, *, run: int, attempt: int) -> ReportWork:
    result = FILE if isinstance(body, requests.Finish) else None
    return ReportWork(tenant=job.tenant, cause=CAUSE, job=job.id, run=run, attempt=attempt, body=body, result=result)


def cancel(job: Job) -> CancelJob:
    return CancelJob(tenant=job.tenant, cause=CAUSE, job=job.id)


def time_came(job: Job) -> TimeCame:
    return TimeCame(tenant=job.tenant, cause=CAUSE, job=job.id)


def retry(job: Job, chosen: Wish, failed: list[str]) -> RetryJob:
    plan = plan_digest(job, chosen.scope, failed, chosen.input) if chosen.plan == "shown" else chosen.plan
    body = requests.Retry(
        scope=chosen.scope,  # type: ignore[arg-type]  # one of the two
        confirm=chosen.confirm,
        plan=plan,
        input=chosen.input,
    )
    return RetryJob(tenant=job.tenant, cause=CAUSE, job=job.id, body=body)
