"""The worker over HTTP and over NATS: each way a run can go, seen from the person's side."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas.states import State
from tests.sdk.conftest import EXPORT, IMPORT, Way
from tidings import Client, Context, Fail, JobView, NeedsFix, SyncContext, Worker
from tidings._worker import Handler

WAIT_S = 30


class Mutable(Worker):
    """`silent`: as when the network takes the signs of life."""

    silent = False

    async def _beat(self, leases: list[str], every_s: float) -> None:
        if not self.silent:
            await super()._beat(leases, every_s)


@asynccontextmanager
async def working(way: Way, type: str, handler: Handler, *, timeout_s: float | None = None) -> AsyncIterator[Mutable]:
    worker = way.worker(Mutable)
    worker.job(type, timeout_s=timeout_s)(handler)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(WAIT_S):
            yield worker
    finally:
        worker.stop()
        await running


async def outcome(way: Way, client: Client, handler: Handler, type: str = IMPORT, **options: float) -> JobView:
    """The view of a job that this handler has worked on, once it stands still."""
    job = await client.submit(type, owner="ann")
    async with working(way, type, handler, **options):
        return await client.wait(job)


async def test_a_job_to_its_file(way: Way, client: Client) -> None:
    content = b"id\n" + b"1234567\n" * 50_000

    async def handler(ctx: Context) -> None:
        assert await ctx.earlier_result() is None
        assert (await ctx.download(str(ctx.input["upload"]))).read_bytes() == b"rows"
        await ctx.stage("reading")
        await ctx.stage("writing")
        await ctx.progress(50_000, 50_000, "rows")
        await ctx.result(content, "orders.csv")

    upload = await client.upload(b"rows")
    job = await client.submit(EXPORT, owner="ann", input={"upload": upload.id})
    async with working(way, EXPORT, handler):
        view = await client.wait(job)
    assert (view.state, view.ended) == (State.FINISHED.value, True)
    assert view.result is not None
    assert (view.result.ready, view.result.name, view.result.size) == (True, "orders.csv", len(content))
    assert [stage.state for stage in view.stages] == ["done", "done"]
    assert await client.result(view) == content


async def test_a_small_result_from_a_thread(way: Way, client: Client) -> None:
    def handler(ctx: SyncContext) -> None:
        ctx.stage("checking")
        ctx.progress(1, 1)
        ctx.inline({"rows": 1})

    view = await outcome(way, client, handler)
    assert view.state == State.FINISHED.value


async def test_problems_are_listed_and_only_they_are_done_again(way: Way, client: Client) -> None:
    async def handler(ctx: Context) -> None:
        if ctx.items is not None:
            assert [item.row for item in ctx.items] == [17, 388]
            assert ctx.input == {"fixed": True}
            return
        await ctx.problem(row=17, column="start_date", reason="is not a date", value="2024-13-45")
        await ctx.problem(row=388, column="email", reason="is missing")
        raise NeedsFix("2 of 400 rows need attention.", next="Fix the rows and retry only those.")

    job = await client.submit(IMPORT, owner="ann")
    async with working(way, IMPORT, handler):
        view = await client.wait(job)
        assert view.needs_person
        assert view.problem is not None
        assert (view.problem.text, view.problem.count) == ("2 of 400 rows need attention.", 2)
        assert [(item.row, item.reason) for item in await client.problems(job)] == [
            (17, "is not a date"),
            (388, "is missing"),
        ]
        assert (await client.retry_plan(job, scope="failed_items")).runs["count"] == 2
        view = await client.retry(job, scope="failed_items", input={"fixed": True})
        assert (await client.wait(view)).state == State.FINISHED.value


async def test_a_failure_in_the_handlers_own_words(way: Way, client: Client) -> None:
    async def handler(_: Context) -> None:
        raise Fail("quota", text="The mailbox is full.", retryable=False, next="Make room in it.")

    view = await outcome(way, client, handler)
    assert view.problem is not None
    assert view.problem.text == "The mailbox is full."
    assert (view.problem.next or "").startswith("Make room in it.")


async def test_a_crash_keeps_its_words_from_the_person(way: Way, client: Client) -> None:
    async def handler(_: Context) -> None:
        raise KeyError("customer")

    view = await outcome(way, client, handler)
    assert view.needs_person
    assert view.problem is not None
    assert "KeyError" not in view.problem.text


async def test_a_handler_past_its_time(way: Way, client: Client) -> None:
    stopped = asyncio.Event()

    async def handler(_: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    view = await outcome(way, client, handler, timeout_s=0.05)
    assert view.needs_person
    assert stopped.is_set()


async def test_a_cancel_reaches_the_handler(way: Way, client: Client) -> None:
    begun, told = asyncio.Event(), asyncio.Event()

    async def handler(ctx: Context) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if ctx.cancelled:
                told.set()

    job = await client.submit(IMPORT, owner="ann")
    async with working(way, IMPORT, handler):
        await begun.wait()
        await client.cancel(job)
        view = await client.wait(job)
    assert view.state == State.CANCELED.value
    assert told.is_set()


async def test_a_long_silence_is_no_loss_while_signs_go_out(way: Way, client: Client) -> None:
    """The lease is a second: without signs of life the orchestrator would have given the job away."""
    beaten = asyncio.Event()

    async def handler(ctx: Context) -> None:
        assert ctx.attempt == 1
        asyncio.get_running_loop().call_later(2.5, beaten.set)
        await beaten.wait()

    view = await outcome(way, client, handler)
    assert (view.state, view.attempt) == (State.FINISHED.value, 1)


async def test_a_lost_lease_stops_the_handler(way: Way, client: Client) -> None:
    """Promise 3: the loop stood still for longer than the lease, the job went on, and this attempt is told."""
    lost = asyncio.Event()
    attempts: list[int] = []

    async def handler(ctx: Context) -> None:
        attempts.append(ctx.attempt)
        try:
            await asyncio.Event().wait()
        finally:
            if ctx.lost:
                lost.set()

    await client.define_type(IMPORT, {"title": "Import", "stages": [{"name": "checking"}], "lease": 1})
    job = await client.submit(IMPORT, owner="ann")
    async with working(way, IMPORT, handler) as worker:
        async for view in client.watch(job):
            if view.attempt == 1:
                break
        worker.silent = True
        async for view in client.watch(job):
            if view.attempt == 2:
                break
        worker.silent = False
        await lost.wait()
        await client.cancel(job)
        await client.wait(job)
    assert attempts[:2] == [1, 2]


async def test_a_worker_that_stops_gives_its_jobs_back(way: Way, client: Client) -> None:
    begun = asyncio.Event()

    async def handler(_: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def other(ctx: Context) -> None:
        ctx.inline({"by": "the other"})

    job = await client.submit(EXPORT, owner="ann")
    async with working(way, EXPORT, handler):
        await begun.wait()
    async with working(way, EXPORT, other):
        assert (await client.wait(job)).state == State.FINISHED.value


@pytest.mark.parametrize("rows", [3_000])
async def test_reports_of_any_size_arrive(way: Way, client: Client, rows: int) -> None:
    async def handler(ctx: Context) -> None:
        for row in range(rows):
            await ctx.problem(row=row, reason="is wrong", value="x" * 200)
        raise NeedsFix("All rows need attention.")

    view = await outcome(way, client, handler)
    assert view.problem is not None
    assert view.problem.count == rows
