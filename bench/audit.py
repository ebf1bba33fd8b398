"""How fast a log is verified and its projections are built, beside a plain SELECT of the same rows in the same run.

`python -m bench.audit [EVENTS]`. The SELECT takes the same columns of the same rows to the same client and does nothing
with them: nothing that reads the log can be quicker.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench._rows import said, scaled
from eventstore.append import APPEND_SQL, Batch
from eventstore.audit.checkpoints import Makers
from eventstore.audit.signed import Trust
from eventstore.audit.verify import total, verify
from eventstore.audit.workers import workers
from eventstore.postgres import Pool, open_pool
from projections.migrate import migrate
from projections.rebuild import rebuild
from schemas import events as e
from schemas.envelope import SYSTEM, Cause
from schemas.ids import ref_of, uuid7
from schemas.jobtypes import Definition
from services.embedded.stack import EmbeddedStack
from services.telling import configure

SELECT = """select position, tenant, stream, version, type, recorded_at, actor, line, hash from events
    where partition = 0 order by position"""
HEAD = "select position, hash, clock_timestamp() as at from heads where partition = 0"
PAGE = 5000
APPEND = 1000
OPEN = 1000  # jobs
CAUSE = Cause(actor=SYSTEM, causation_id=uuid7())


def story(job: str) -> list[e.Event]:
    """A job from click to result."""
    return [
        e.JobRequested(
            type="orders.export", ref=ref_of(job, "Export"), title=None, owner="ann", input={"rows": 3}, settings=None,
            size=None, priority=0, not_before=None, definition=Definition(title="Export"), dedupe=None, again=False,
        ),
        e.JobQueued(run=1, ready_at="2026-01-01T00:00:00.000000Z"),
        e.AttemptStarted(run=1, attempt=1, worker="w-1"),
        e.ResultStored(result=e.StoredResult(inline={"rows": 3})),
        e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None),
    ]  # fmt: skip


async def fill(pool: Pool, events: int) -> None:
    """Jobs that run beside each other, as in a busy service: a thousand are open at any time, each moves by chance."""
    chance = random.Random(1)
    open_jobs: list[tuple[str, list[e.Event], int]] = []
    async with pool.acquire() as conn:
        for _ in range(0, events, APPEND):
            head = await conn.fetchrow(HEAD)
            assert head
            batch = Batch(0, head["position"], head["hash"], head["at"])
            for _ in range(APPEND):
                while len(open_jobs) < OPEN:
                    job = uuid7()
                    open_jobs.append((job, story(job), 0))
                place = chance.randrange(OPEN)
                job, left, version = open_jobs[place]
                batch.add(batch.draft("acme", job, version, left[:1], CAUSE), CAUSE)
                open_jobs[place] = job, left[1:], version + 1
                if len(left) == 1:
                    open_jobs[place] = open_jobs[-1]
                    open_jobs.pop()
            await conn.execute(f"with {APPEND_SQL} select", *batch.params())


async def select(pool: Pool) -> int:
    """Every row, one server-side cursor, nothing done with it."""
    count = 0
    async with pool.acquire() as conn, conn.transaction(readonly=True):
        cursor = await conn.cursor(SELECT)
        while page := await cursor.fetch(PAGE):
            count += len(page)
    return count


async def verifying(pool: Pool, dsn: str) -> tuple[float, float]:
    """Events a second in this one process, and with a process for each core, their start included."""
    rates = []
    for most in (1, None):
        began = time.perf_counter()
        with workers(dsn, await total(pool), most) as helpers:
            report = await verify(pool, Trust(), helpers=helpers)
        assert report.ok, report.first_bad
        rates.append(report.events / (time.perf_counter() - began))
    return rates[0], rates[1]


async def measure(pool: Pool, dsn: str, events: int) -> None:
    await fill(pool, events)
    await pool.execute("vacuum analyze events")
    await select(pool)  # so that all of them read from the same memory
    began = time.perf_counter()
    plain = await select(pool) / (time.perf_counter() - began)
    began = time.perf_counter()
    await Makers(pool, 1, None).make()
    signed = events / (time.perf_counter() - began)
    verified, helped = await verifying(pool, dsn)
    built = await rebuild(pool)
    rebuilt = built.events / built.seconds
    rates = {
        "plain SELECT": plain, "verify, one process": verified, "verify": helped,
        "first checkpoint": signed, "status rebuild": rebuilt,
    }  # fmt: skip
    for name, rate in rates.items():
        said(f"audit: {name}", rate, "events/s", f"{events:,} events, {rate / plain:.0%} of the SELECT")


async def main(events: int) -> None:
    configure()
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedStack(Path(folder)) as stack:
            await migrate(stack.database_url, 1)
            async with await open_pool(stack.database_url, 4) as pool:
                await measure(pool, stack.database_url, events)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else scaled(1_500_000, 50_000)))
