"""The promises on a real database: random commands through several services at once, whose appends are cut by chance.

A failure prints its seed; `SEED=… pytest tests/store/test_promises_store.py` runs it again.
"""

import asyncio
import os
import random
from collections import Counter
from contextlib import AsyncExitStack
from datetime import datetime

import msgspec
import pytest

from eventstore.chain import START, next_hash
from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from projections.verify import verify
from schemas import requests
from schemas.commands import ClaimJobs, Command, IdempotencyKey, Outcome, RetryJob, SubmitJob
from schemas.envelope import Recorded, decode
from schemas.ids import uuid7
from schemas.job import Job
from schemas.problems import Rejection
from services.jobs.handler import Unavailable
from services.jobs.obey import Answer
from services.jobs.times import Lease
from services.jobs.working import Known
from tests.store.services import Service, serving
from tests.unit import promises
from tests.unit import random_commands as chance

SERVICES, ROUNDS, AT_ONCE = 3, 12, 60
SEED = int(os.environ.get("SEED") or 7)
FAILED = "failed_items"

# An append of another process, cut where it stands: what a crash of that process is to the database.
CUT = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'tidings-append' and state <> 'idle' limit 1"""
DUE = """select j.tenant, j.doc from jobs j left join leases l on l.partition = j.partition and l.job = j.id
    where least(j.due_at, l.expires_at, l.pending_at) <= clock_timestamp()"""


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


class Crowd:
    """Clicks, workers and timers, all by the word of one seed."""

    def __init__(self, pool: Pool, services: list[Service], tenants: list[str]) -> None:
        self.chance = random.Random(SEED)
        self.pool = pool
        self.services = services
        self.tenants = tenants
        self.jobs: dict[str, Job] = {}  # as last answered
        self.held: list[Job] = []
        self.accepted: dict[str, str] = {}  # key of a click to its job
        self.unknown = 0  # commands of which nobody knows whether they were saved

    async def do(self, command: Command) -> Answer | None:
        """None where the append was cut."""
        try:
            answer = await self.chance.choice(self.services).do(command)
        except Unavailable:
            self.unknown += 1
            return None
        if isinstance(answer, Outcome):
            self.jobs |= {answer.job.id: answer.job} if answer.job else {}
            self.held += [given.job for given in answer.assignments]
        return answer

    async def click_until_answered(self, n: int) -> None:
        """A client that sends its click again with the same key: it counts once."""
        key = f"once-{n}"
        tenant = self.chance.choice(self.tenants)
        answer = None
        while not isinstance(answer, Outcome):
            click = self.click(tenant, IdempotencyKey("POST /v1/jobs", key, b"the same"), n)
            answer = await self.do(click)
            assert not isinstance(answer, Rejection)
        assert answer.job
        self.accepted[key] = answer.job.id

    def click(self, tenant: str, key: IdempotencyKey | None = None, n: int | None = None) -> SubmitJob:
        draw = self.chance
        body = requests.Submit(
            type=draw.choice(chance.NAMES),
            owner=draw.choice(["ann", "ann", "bea"]),
            input={"k": draw.choice([0, 0, 1]) if n is None else n},
            again=draw.random() < 0.1 or None,
            priority=draw.choice([None, None, 5]),
        )
        return SubmitJob(tenant=tenant, cause=chance.CAUSE, key=key, job=uuid7(), body=body)

    def command(self) -> Command:
        draw = self.chance
        kind = draw.choice(["click", "claim", "report", "report", "report", "cancel", "retry", "time", "define"])
        if kind == "define" and draw.random() < 0.3:
            return chance.define(draw.choice(self.tenants), draw.choice(chance.NAMES), draw.choice(chance.KINDS))
        if kind == "claim":
            return self.claim()
        if kind == "report" and self.held:
            job = draw.choice(self.held[-40:])
            return chance.report(job, self.body(), run=job.run, attempt=job.attempt)
        if self.jobs and kind in {"cancel", "retry", "time"}:
            job = draw.choice(list(self.jobs.values())[-60:])
            return {"cancel": chance.cancel, "retry": self.retry, "time": chance.time_came}[kind](job)
        return self.click(draw.choice(self.tenants))

    def claim(self) -> ClaimJobs:
        draw = self.chance
        return chance.claim(draw.choice(self.tenants), list(chance.NAMES), draw.choice(chance.WORKERS), 3)

    def retry(self, job: Job) -> RetryJob:
        scope = self.chance.choice(["all", FAILED])
        return chance.retry(job, chance.Wish(scope=scope, confirm=True, plan=None, input=None), [])

    def body(self) -> requests.Body:
        draw = self.chance
        row = draw.randint(1, 4)
        return draw.choice([
            requests.Heartbeat(),
            requests.Stage(name=draw.choice(["reading", "writing"])),
            requests.Progress(done=float(row), total=4.0),
            requests.Problems(items=[requests.ItemReport(row=row, reason="is odd")]),
            requests.Finish(result=requests.UploadedResult(upload="u")),
            requests.Finish(
                result=requests.UploadedResult(upload="u"), items=[requests.FinishedItem(row=row, reason=None)]
            ),
            requests.NeedsFix(text="The file is empty."),
            requests.Fail(reason="boom", retryable=draw.choice([True, False])),
            requests.Release(),
        ])  # fmt: skip

    async def round(self, number: int) -> None:
        """Many commands at once, a click that insists, and an append that is cut among them."""
        clicks = [self.click_until_answered(number * 10 + n) for n in range(3)]
        others = [self.do(self.command()) for _ in range(AT_ONCE)]
        await asyncio.gather(*clicks, *others, *(self.pool.execute(CUT) for _ in range(self.chance.randint(0, 2))))
        await self.pass_time()

    async def pass_time(self) -> None:
        """Some leases run out, some due moments come; the timers tell who that concerns."""
        some = self.chance.random() / 2
        await self.pool.execute("update leases set expires_at = clock_timestamp() where random() < $1", some)
        for row in await self.pool.fetch(DUE):
            await self.do(chance.time_came(msgspec.json.decode(row["doc"], type=Job)))


async def test_the_promises_hold(database: str, pool: Pool, partitions: int) -> None:
    print(f"SEED={SEED}")
    tenants = [f"t-{n}" for n in range(5)]
    async with AsyncExitStack() as stack:
        services = [await stack.enter_async_context(serving(pool, database, partitions)) for _ in range(SERVICES)]
        crowd = Crowd(pool, services, tenants)
        for tenant in tenants:
            for name, kind in zip(chance.NAMES, chance.KINDS, strict=True):
                assert isinstance(await crowd.do(chance.define(tenant, name, kind)), Outcome)
        for number in range(ROUNDS):
            await crowd.round(number)
    logs = [await log_of(pool, partition) for partition in range(partitions)]
    for log in logs:
        promises.log_is_whole(log)
        promises.streams_are_true(log)
    assert await verify(pool) == []
    await check_jobs(pool, logs)
    check_clicks(crowd, logs)
    assert sum(len(log) for log in logs) > 500
    assert Counter(partition_of(tenant, partitions) for tenant in tenants).total() == len(tenants)


async def log_of(pool: Pool, partition: int) -> list[Recorded]:
    """The partition's events, each under its seal."""
    rows = await pool.fetch("select line, hash from events where partition = $1 order by position", partition)
    hash_ = START
    for row in rows:
        hash_ = next_hash(hash_, row["line"])
        assert row["hash"] == hash_
    if rows:
        assert await pool.fetchval("select hash from heads where partition = $1", partition) == hash_
    return [decode(row["line"]) for row in rows]


async def check_jobs(pool: Pool, logs: list[list[Recorded]]) -> None:
    rows = await pool.fetch("select doc from jobs")
    jobs = {job.id: job for job in (msgspec.json.decode(row["doc"], type=Job) for row in rows)}
    leases = {
        str(row["job"]): Lease(row["run"], row["attempt"], row["worker"], row["lease_s"], *_times(row["seen_at"]))
        for row in await pool.fetch("select * from leases")
    }
    items: dict[str, dict[str, Known]] = {}
    for row in await pool.fetch("select * from items"):
        known = Known(row["column"], row["reason"], row["run"], row["attempt"], row["failed"])
        items.setdefault(str(row["job"]), {})[row["id"]] = known
    promises.one_worker_for_an_attempt(jobs.values(), leases)
    promises.one_job_for_a_request(jobs.values(), {job for log in logs for job in promises.displaced(log)})
    now = await pool.fetchval("select clock_timestamp()")
    for job in jobs.values():
        promises.ledger_adds_up(job, items.get(job.id, {}))
        promises.can_be_kept(job)
        promises.can_be_shown(job, now)


def _times(seen_at: datetime) -> tuple[datetime, datetime]:
    return seen_at, seen_at


def check_clicks(crowd: Crowd, logs: list[list[Recorded]]) -> None:
    """What was answered is in the log, and a click that was sent again is there once."""
    streams = {told.stream: told.version for log in logs for told in log}
    for job in crowd.jobs.values():
        assert streams[job.id] >= job.version
    assert len(crowd.accepted) == ROUNDS * 3
    assert len(set(crowd.accepted.values())) == ROUNDS * 3
