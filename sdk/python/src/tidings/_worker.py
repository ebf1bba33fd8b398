"""Worker: claims jobs, runs their handlers, keeps their leases alive, and ends each run in one clear word."""

import asyncio
import inspect
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar, cast

from tidings._client import Client
from tidings._context import Assignment, Context, SyncContext
from tidings._errors import NO_ANSWER, Conflict, Fail, NeedsFix, NotFound, Refused, Stopped, TidingsError
from tidings._reports import Answered, Answers, Outbox
from tidings._transport import Answer, Backoff, Call, Transport

log = logging.getLogger("tidings")
GATHER_S = 0.01  # while jobs are plenty, slots that come free within this time are filled by one claim
CLAIM_S = 5.0  # where the service can't notice that a claim was given up: how long one may keep a worker from ending
Handler = Callable[[Context], Awaitable[None]] | Callable[[SyncContext], None]
H = TypeVar("H", bound=Handler)


class Run:
    """One handler at work. `over`: it has been told to stop, whatever the reason; it has `grace_s` to do so."""

    def __init__(self, ctx: Context, lease_s: float, grace_s: float) -> None:
        self.ctx, self.lease_s, self._grace_s = ctx, lease_s, grace_s
        self.over = False
        self.work: asyncio.Future[None]
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def do(self, work: Coroutine[object, object, None]) -> None:
        """Return when it is done, or was told to stop and did not."""
        self.work = asyncio.ensure_future(work)
        self.work.add_done_callback(self._end)
        await self._ended

    def stop(self) -> None:
        if not self.over:
            self.over = True
            self.work.cancel()
            self._loop.call_later(self._grace_s, self._end)

    def _end(self, _: object = None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


class Worker:
    """Works on as many jobs at once as it has `slots`.

    `wait_s`: how long one claim may wait for a job. `grace_s`: how long a handler may go on once it was told to stop.
    """

    def __init__(
        self, url: str, *, api_key: str = "", tenant: str = "default", http_url: str | None = None,
        name: str | None = None, slots: int = 4, wait_s: float = 20.0, grace_s: float = 20.0,
        transport: Transport | None = None,
    ) -> None:  # fmt: skip
        self.name = name or f"{socket.gethostname()}-{os.getpid()}"
        self._client = Client(url, api_key=api_key, tenant=tenant, http_url=http_url, transport=transport)
        self._hangs_up = self._client.link.transport.hangs_up
        self._slots, self._wait_s, self._grace_s = slots, wait_s if self._hangs_up else min(wait_s, CLAIM_S), grace_s
        self._handlers: dict[str, tuple[Handler, float | None]] = {}
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed, self._stopping, self._claimed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._clients: dict[str, Client] = {}  # by the tenant that they act for
        self._outbox = Outbox(lambda tenant: self._for(tenant).link, self.name, self._heard)
        self._threads = ThreadPoolExecutor(max_workers=slots, thread_name_prefix="tidings")

    def job(self, type: str, *, timeout_s: float | None = None) -> Callable[[H], H]:
        """Decorates the handler of a job type. Past `timeout_s` it is stopped and the attempt fails."""

        def register(handler: H) -> H:
            self._handlers[type] = (handler, timeout_s)
            return handler

        return register

    def stop(self) -> None:
        """Claim no more. Running handlers get `grace_s` to end; then their jobs go to another worker."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`, SIGTERM or SIGINT. Raises Refused where the service won't have this worker."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
        for number in signals:
            loop.add_signal_handler(number, self.stop)
        loops = (self._stopping.wait(), self._claim_forever(), self._outbox.run(), self._beat_forever())
        stopped, claims, *others = [asyncio.ensure_future(one) for one in loops]
        try:
            done, _ = await asyncio.wait({stopped, claims, *others}, return_when=asyncio.FIRST_COMPLETED)
            if self._hangs_up:
                claims.cancel()
            await self._let_go()
            await asyncio.wait({claims})
            for task in done:
                task.result()
        finally:
            for task in (stopped, claims, *others, *self._tasks):
                task.cancel()
            for number in signals:
                loop.remove_signal_handler(number)
            self._threads.shutdown(wait=False)
            await self._client.close()

    async def _let_go(self) -> None:
        """Those at work may end in time; the others are stopped and given back."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace_s)
        for run in self._runs.values():
            run.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._grace_s + 5)

    def _for(self, tenant: str) -> Client:
        if tenant not in self._clients:
            self._clients[tenant] = self._client.acting_for(tenant) if tenant else self._client
        return self._clients[tenant]

    async def _claim_forever(self) -> None:
        pauses, plenty = Backoff(first_s=0.2, max_s=10.0), False
        while True:
            free = await self._room(self._slots // 4 if plenty else 1)
            if self._stopping.is_set():
                return
            try:
                assignments, now = await self._claim(free)
                pauses.reset()
            except NO_ANSWER as error:
                log.warning("No jobs can be fetched now, trying again. %s", error)
                await pauses.sleep()
                continue
            plenty = len(assignments) >= free
            for assignment in assignments:
                if self._stopping.is_set():
                    with suppress(TidingsError):
                        await self._outbox.settle(assignment.lease, "release", {}, assignment.tenant)
                    continue
                lease_s = (assignment.expires_at - now).total_seconds()
                task = asyncio.create_task(self._attempt(assignment, lease_s))
                self._tasks.add(task)
                task.add_done_callback(self._free)
            self._claimed.set()

    async def _room(self, wanted: int) -> int:
        """How many slots are free: at least one, and `wanted` where they come free within a moment."""
        while len(self._tasks) >= self._slots:
            self._freed.clear()
            await self._freed.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_S):
                while self._slots - len(self._tasks) < wanted:
                    self._freed.clear()
                    await self._freed.wait()
        return self._slots - len(self._tasks)

    def _free(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._freed.set()

    async def _claim(self, free: int) -> tuple[list[Assignment], datetime]:
        """What there is to do, and the service's time."""
        wanted = {"types": sorted(self._handlers), "worker": self.name, "slots": self._slots, "wait": self._wait_s,
                  "max": free}  # fmt: skip
        call = Call(path="/v1/work/claim", subject="api.claim", body=wanted, timeout_s=self._wait_s + 10)
        answer = await self._client.link.ask(call, resend=False)
        return answer.read(dict[str, list[Assignment]])["assignments"], _server_time(answer)

    async def _beat_forever(self) -> None:
        beaten_at = time.monotonic()
        while True:
            every_s = max(0.2, min((run.lease_s for run in self._runs.values()), default=30.0) / 3)
            with suppress(TimeoutError):
                async with asyncio.timeout(beaten_at + every_s - time.monotonic()):
                    await self._claimed.wait()  # a new lease may be shorter than those before it
            self._claimed.clear()
            if time.monotonic() >= beaten_at + every_s:
                beaten_at = time.monotonic()
                with suppress(TidingsError):  # the next sign comes soon
                    await self._beat(list(self._runs), every_s)

    async def _beat(self, leases: list[str], every_s: float) -> None:
        by_tenant: dict[str, list[str]] = {}
        for lease in leases:
            by_tenant.setdefault(self._runs[lease].ctx.tenant, []).append(lease)
        for tenant, theirs in by_tenant.items():
            body = {"worker": self.name, "leases": theirs}
            call = Call(path="/v1/work/heartbeat", subject="api.heartbeat", body=body, timeout_s=max(1.0, every_s))
            answers = (await self._for(tenant).link.ask(call, resend=False)).read(Answers)["answers"]
            for lease, answer in zip(theirs, answers, strict=False):
                self._heard(lease, answer)

    def _heard(self, lease: str, answer: Answered) -> None:
        run, error = self._runs.get(lease), answer.error
        if run is None:
            return
        if isinstance(error, Conflict | NotFound):
            run.ctx.lost.set()
            run.stop()
            self._outbox.drop(lease, error)
        elif error is not None:
            run.ctx.refused = error
        elif answer.cancel_requested and not run.ctx.cancelled:
            run.ctx.cancelled.set()
            run.stop()

    async def _attempt(self, assignment: Assignment, lease_s: float) -> None:
        ctx = Context(assignment, self._for(assignment.tenant), self._outbox)
        run = self._runs[assignment.lease] = Run(ctx, lease_s, self._grace_s)
        try:
            verb, body = await self._outcome(run, *self._handlers[assignment.type])
            if not ctx.lost:
                await self._end(assignment, run, verb, body)
        finally:
            del self._runs[assignment.lease]
            ctx.tidy()

    async def _outcome(self, run: Run, handler: Handler, timeout_s: float | None) -> tuple[str, Mapping[str, object]]:
        late = False

        def time_out() -> None:
            nonlocal late
            late = not (run.over or run.work.done())
            run.stop()

        timer = asyncio.get_running_loop().call_later(timeout_s, time_out) if timeout_s is not None else None
        await run.do(self._call(run, handler))
        if timer:
            timer.cancel()
        if late:
            return "fail", {"reason": f"The handler took longer than {timeout_s} seconds.", "retryable": True}
        stopped = not run.work.done() or run.work.cancelled()
        error = None if stopped else run.work.exception()
        return ("release", {}) if stopped or run.ctx.cancelled else _ending(run.ctx, error)

    async def _call(self, run: Run, handler: Handler) -> None:
        if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__):
            return await cast("Callable[[Context], Awaitable[None]]", handler)(run.ctx)
        loop = asyncio.get_running_loop()
        sync = cast("Callable[[SyncContext], None]", handler)
        thread = loop.run_in_executor(self._threads, sync, SyncContext(run.ctx, loop, lambda: run.over))
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            await asyncio.wait({thread})  # a thread stops at its next word to its context, not before
            thread.exception()
            raise

    async def _end(self, assignment: Assignment, run: Run, verb: str, body: Mapping[str, object]) -> None:
        try:
            await run.ctx.flush()
            await self._outbox.settle(assignment.lease, verb, body, assignment.tenant)
        except (Conflict, NotFound):
            log.info("%s goes on elsewhere; this attempt no longer counts.", assignment.ref)
        except Refused as error:
            log.error("%s could not be ended with %s: %s", assignment.ref, verb, error)
            with suppress(TidingsError):
                failed = {"reason": f"{verb}: {error}", "retryable": False}
                await self._outbox.settle(assignment.lease, "fail", failed, assignment.tenant)


def _ending(ctx: Context, error: BaseException | None) -> tuple[str, Mapping[str, object]]:
    match error:
        case None:
            return "finish", {"result": ctx.outcome}
        case NeedsFix():
            return "needs-fix", error.body
        case Fail():
            return "fail", error.body
        case Stopped():
            return "release", {}
        case _:
            log.error("%s stopped by an error in its handler.", ctx.ref, exc_info=error)
            return "fail", {"reason": f"{type(error).__name__}: {error}"[:4000], "retryable": True}


def _server_time(answer: Answer) -> datetime:
    """The service's own clock where it says it, since this machine's may be wrong."""
    said = answer.headers.get("date")
    return parsedate_to_datetime(said) if said else datetime.now(UTC)
