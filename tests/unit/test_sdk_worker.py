"""The SDK's worker: each way a run can end, against a real HTTP server that hands out one job."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.small_service import Asked, Said, said, small_service
from tidings import Context, Fail, NeedsFix, NotSignedIn, Stopped, SyncContext, Worker
from tidings._worker import Handler

ENDINGS = {"finish", "needs-fix", "fail", "release"}
MAX_S = 10.0

Report = tuple[str, dict[str, object]]


class Desk:
    """A service with one job: it keeps what is reported and answers as the test has set it."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.ended, self.beaten = asyncio.Event(), asyncio.Event()
        self.answer: dict[str, object] = {"status": 200, "cancel_requested": False}
        self.items: list[dict[str, object]] | None = None
        self.for_job: str | None = None
        self._given = False

    async def __call__(self, asked: Asked) -> Said:
        match asked.path:
            case "/v1/work/claim":
                return await self._claim()
            case "/v1/work/heartbeat":
                self.beaten.set()
                return said({"answers": [self.answer]})
            case "/v1/work/report":
                return self._report(asked)
            case "/v1/uploads":
                self.for_job = asked.headers.get("tidings-job")
                return said({"id": "u1", "sha256": "0" * 64, "size": len(asked.body)}, 201)
        return Said(200, b"from an upload")

    async def _claim(self) -> Said:
        if self._given:
            await asyncio.Event().wait()
        self._given = True
        soon = (datetime.now(UTC) + timedelta(seconds=0.6)).isoformat()
        job = {"job": "j1", "ref": "IM-7F3K9MQ2", "type": "customers.import", "lease": "L1", "expires_at": soon}
        return said({"assignments": [{**job, "input": {"upload": "u0"}, "items": self.items, "trace": None}]})

    def _report(self, asked: Asked) -> Said:
        reports = asked.read(dict[str, object])["reports"]
        assert isinstance(reports, list)
        for report in reports:
            self.reports.append((report["verb"], report["body"]))
            if report["verb"] in ENDINGS:
                self.ended.set()
        return said({"answers": [self.answer] * len(reports)})


@asynccontextmanager
async def working(
    desk: Desk, handler: Handler, *, timeout_s: float | None = None, grace_s: float = 0.5
) -> AsyncIterator[Worker]:
    async with small_service(desk) as url:
        worker = Worker(url, api_key="k", name="w", slots=2, grace_s=grace_s)
        worker.job("customers.import", timeout_s=timeout_s)(handler)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(MAX_S):
                yield worker
        finally:
            worker.stop()
            await running


async def run(desk: Desk, handler: Handler, *, timeout_s: float | None = None) -> Report:
    """The last word of a run with this handler."""
    async with working(desk, handler, timeout_s=timeout_s):
        await desk.ended.wait()
    return desk.reports[-1]


async def test_what_a_handler_says_arrives_in_order() -> None:
    desk = Desk()

    async def handler(ctx: Context) -> None:
        await ctx.stage("checking")
        for row in range(1, 500):
            await ctx.progress(row, 500)
        await ctx.problem(row=17, column="start_date", reason="is not a date", value="2024-13-45")
        await ctx.problem(row=388, column="email", reason="is missing")
        await ctx.progress(500, 500)
        assert (await ctx.download("u0")).read_bytes() == b"from an upload"
        await ctx.result(b"a,b\n", "out.csv")

    verb, body = await run(desk, handler)
    verbs = [one for one, _ in desk.reports]
    assert (verb, body) == ("finish", {"result": {"upload": "u1", "name": "out.csv"}})
    assert desk.for_job == "j1", "whose the result is, before the job is finished with it"
    assert verbs[0] == "stage"
    assert verbs[-3:] == ["problems", "progress", "finish"]
    assert len(verbs) < 20, "quick progress melts into one"
    assert desk.reports[-2][1] == {"done": 500, "total": 500, "unit": None}
    problems = dict(desk.reports)["problems"]["items"]
    assert isinstance(problems, list)
    assert [one["row"] for one in problems] == [17, 388]


async def test_a_sync_handler_works_in_a_thread_without_await() -> None:
    desk = Desk()
    threads: list[threading.Thread] = []

    def handler(ctx: SyncContext) -> None:
        threads.append(threading.current_thread())
        ctx.stage("checking")
        ctx.progress(1, 1)
        ctx.inline({"rows": 1})

    assert await run(desk, handler) == ("finish", {"result": {"inline": {"rows": 1}}})
    assert threads[0] is not threading.main_thread()


async def test_problems_are_handed_over_before_a_person_is_asked() -> None:
    desk = Desk()
    desk.items = [{"id": "17", "row": 17, "state": "failed"}]

    async def handler(ctx: Context) -> None:
        assert ctx.items is not None
        assert ctx.items[0].row == 17
        await ctx.problem(row=17, reason="is not a date")
        raise NeedsFix("1 row needs attention", row=17)

    verb, body = await run(desk, handler)
    assert [one for one, _ in desk.reports] == ["problems", "needs-fix"]
    assert (verb, body["text"], body["row"]) == ("needs-fix", "1 row needs attention", 17)


async def test_a_crash_is_told_to_the_history_and_not_to_the_person() -> None:
    async def handler(_: Context) -> None:
        raise KeyError("customer")

    verb, body = await run(Desk(), handler)
    assert (verb, body) == ("fail", {"reason": "KeyError: 'customer'", "retryable": True})


async def test_a_handler_says_itself_how_it_failed() -> None:
    async def handler(_: Context) -> None:
        raise Fail("quota", text="The mailbox is full.", retryable=False, next="Make room in it.")

    _, body = await run(Desk(), handler)
    assert body == {"reason": "quota", "text": "The mailbox is full.", "retryable": False, "next": "Make room in it."}


async def test_a_handler_past_its_time_is_stopped() -> None:
    stopped = asyncio.Event()

    async def handler(_: Context) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    verb, body = await run(Desk(), handler, timeout_s=0.01)
    assert stopped.is_set()
    assert verb == "fail"
    assert "0.01 seconds" in str(body["reason"])


async def test_a_cancel_stops_the_handler_and_is_acknowledged() -> None:
    desk, seen = Desk(), asyncio.Event()

    async def handler(ctx: Context) -> None:
        desk.answer = {"status": 200, "cancel_requested": True}
        try:
            await asyncio.Event().wait()
        finally:
            if ctx.cancelled and await ctx.cancelled:
                seen.set()

    assert (await run(desk, handler))[0] == "release"
    assert seen.is_set()


async def test_a_sync_handler_hears_of_a_cancel_at_its_next_word() -> None:
    desk = Desk()
    raised: list[Exception] = []

    def handler(ctx: SyncContext) -> None:
        desk.answer = {"status": 200, "cancel_requested": True}
        try:
            while True:
                ctx.progress(1, 2)
        except Stopped as error:
            raised.append(error)
            raise

    assert (await run(desk, handler))[0] == "release"
    assert raised


async def test_an_outdated_lease_stops_the_handler_and_says_nothing_more() -> None:
    """Promise 3: what goes on elsewhere is left alone."""
    desk, gone = Desk(), asyncio.Event()

    async def handler(ctx: Context) -> None:
        desk.answer = {"status": 409, "problem": {"type": "/problems/lease-outdated", "detail": "Outdated."}}
        await ctx.stage("checking")
        try:
            await asyncio.Event().wait()
        finally:
            assert ctx.lost
            gone.set()

    async with working(desk, handler):
        await gone.wait()
    assert [verb for verb, _ in desk.reports] == ["stage"]


async def test_signs_of_life_come_by_themselves() -> None:
    desk = Desk()

    async def handler(_: Context) -> None:
        await desk.beaten.wait()

    assert (await run(desk, handler))[0] == "finish"


async def test_what_the_service_refuses_reaches_the_handler() -> None:
    desk = Desk()

    async def handler(ctx: Context) -> None:
        desk.answer = {"status": 422, "problem": {"type": "/problems/invalid", "detail": "No such stage."}}
        while True:
            await ctx.stage("chekcing")
            await asyncio.sleep(0)

    verb, body = await run(desk, handler)
    assert verb == "fail"
    assert "No such stage." in str(body["reason"])


async def test_sigterm_lets_go_of_what_does_not_end_in_time() -> None:
    desk, begun = Desk(), asyncio.Event()

    async def handler(_: Context) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(desk, handler, grace_s=0.05):
        await begun.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await desk.ended.wait()
    assert desk.reports[-1] == ("release", {})


async def test_a_worker_that_is_not_wanted_says_so() -> None:
    async def answer(_: Asked) -> Said:
        return said({"detail": "This key is unknown.", "next": "Give a valid one."}, 401)

    async with small_service(answer) as url:
        with pytest.raises(NotSignedIn, match="unknown"):
            await Worker(url, api_key="k", name="w").run()
