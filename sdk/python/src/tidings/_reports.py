"""From handlers to the service: the reports of all leases, in order, many in one call, one call at a time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate

import msgspec

from tidings._errors import NO_ANSWER, BadAnswer, Problem, Refused, TidingsError, refused
from tidings._transport import Backoff, Call, Link
from tidings._views import View

PENDING_MAX = 1_000  # unsent reports; beyond, handlers wait
BATCH_MAX = 500
BATCH_MAX_BYTES = 768 * 1024
GAP_S = 0.1  # between two calls, so that quick progress melts into one; an ending does not wait


class Answered(View, frozen=True):
    """What the service said to one report or sign of life."""

    status: int
    cancel_requested: bool = False
    problem: Problem | None = None

    @property
    def error(self) -> Refused | None:
        problem = msgspec.structs.replace(self.problem or Problem(), status=self.status)
        return refused(problem) if self.status >= 400 else None


Answers = dict[str, list[Answered]]


class Report:
    def __init__(self, lease: str, verb: str, body: Mapping[str, object], tenant: str) -> None:
        self.lease, self.verb, self.tenant = lease, verb, tenant
        encoded = msgspec.json.encode(body)  # here, so that a value no JSON can hold fails in its handler
        self.body, self.size = msgspec.Raw(encoded), len(encoded)
        self.sending = False
        self.settled: asyncio.Future[None] | None = None

    def settle(self, error: TidingsError | None) -> None:
        if self.settled is None or self.settled.done():
            return
        if error is None:
            self.settled.set_result(None)
        else:
            self.settled.set_exception(error)


class Outbox:
    """What is not sent yet. A progress takes the place of the one before it; `heard` gets every answer."""

    def __init__(self, link: Callable[[str], Link], worker: str, heard: Callable[[str, Answered], None]) -> None:
        self._link, self._worker, self._heard = link, worker, heard
        self._pending: list[Report] = []
        self._some, self._room, self._urgent = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def put(self, lease: str, verb: str, body: Mapping[str, object], tenant: str = "") -> None:
        last = next((report for report in reversed(self._pending) if report.lease == lease), None)
        if last is not None and last.verb == verb == "progress" and not last.sending:
            newest = Report(lease, verb, body, tenant)
            last.body, last.size = newest.body, newest.size
            return
        while len(self._pending) >= PENDING_MAX:
            self._room.clear()
            await self._room.wait()
        self._add(Report(lease, verb, body, tenant))

    async def settle(self, lease: str, verb: str, body: Mapping[str, object], tenant: str = "") -> None:
        """Say how a run ended, and wait for the answer; a refusal is raised."""
        report = Report(lease, verb, body, tenant)
        report.settled = asyncio.get_running_loop().create_future()
        self._add(report)
        self._urgent.set()
        await report.settled

    def drop(self, lease: str, error: TidingsError) -> None:
        """Forget what an outdated lease still had to say."""
        for report in [report for report in self._pending if report.lease == lease]:
            self._pending.remove(report)
            report.settle(error)

    async def run(self) -> None:
        pauses = Backoff(first_s=0.2, max_s=5.0)
        while True:
            await self._some.wait()
            batch = self._batch()
            try:
                self._done(batch, await self._send(batch))
                pauses.reset()
            except (*NO_ANSWER, BadAnswer):
                await pauses.sleep()  # they go again, until their leases are known to be outdated
            except Refused as error:
                self._done(batch, [Answered(status=error.problem.status, problem=error.problem)] * len(batch))
            if not self._pending:
                self._some.clear()
            await self._breathe()

    def _add(self, report: Report) -> None:
        self._pending.append(report)
        self._some.set()

    def _batch(self) -> list[Report]:
        """Those that go in one call, all of one tenant: the first in any case, then what fits in a message of NATS."""
        same = [report for report in self._pending if report.tenant == self._pending[0].tenant][:BATCH_MAX]
        sizes = accumulate(report.size for report in same)
        return same[: max(1, sum(size <= BATCH_MAX_BYTES for size in sizes))]

    async def _send(self, batch: Sequence[Report]) -> list[Answered]:
        for report in batch:
            report.sending = True
        reports = [{"lease": report.lease, "verb": report.verb, "body": report.body} for report in batch]
        body = {"worker": self._worker, "reports": reports}
        call = Call(path="/v1/work/report", subject="api.report", body=body)
        answers = (await self._link(batch[0].tenant).ask(call)).read(Answers)["answers"]
        if len(answers) != len(batch):
            raise BadAnswer(f"{len(batch)} reports got {len(answers)} answers.")
        return answers

    def _done(self, batch: Sequence[Report], answers: Sequence[Answered]) -> None:
        sent = set(map(id, batch))
        self._pending = [report for report in self._pending if id(report) not in sent]
        self._room.set()
        for report, answer in zip(batch, answers, strict=True):
            report.settle(answer.error)
            self._heard(report.lease, answer)

    async def _breathe(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GAP_S):
                await self._urgent.wait()
        self._urgent.clear()
