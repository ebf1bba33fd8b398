"""Given a job's history, when something is decided, then these events or this refusal; and the events can come."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from projections.status.fold import fold
from schemas import events as e
from schemas import requests
from schemas.envelope import SYSTEM, Recorded, time_text
from schemas.events import StoredResult
from schemas.job import Job, Progress
from schemas.jobtypes import Backoff, Definition, Retry, Stage
from schemas.problems import Problem, Rejection
from schemas.states import Phase
from services.jobs.decide import Decision, Late, Later
from services.jobs.reports import Facts, decide_report

T0 = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOB = "0193a5b0-0000-7000-8000-0000000000aa"
KEY = "ab" * 32  # of the dedupe memory

EXPORT = Definition(title="Export", stages=(Stage("reading"), Stage("writing")))
PLAIN = Definition(title="Export")  # has no stages, so every progress is of the last one
NOTES = Definition(title="Summaries", retry=Retry(safety="may_charge", mode="resumes"))
ONCE = Definition(title="Export", retry=Retry(attempts=1))
FLAT = Backoff(first=8, factor=2, max=20)

FILE = StoredResult(upload="0193a5b0-0000-7000-8000-0000000000ff", size=3, sha256="ab" * 32)
BAD = e.Item(id="17", row=17, column="email", reason="is missing")
ODD = e.Item(id="18", row=18, column="email", reason="is missing")

STARTED = e.AttemptStarted(run=1, attempt=1, worker="w1")
FAILED = e.AttemptFailed(run=1, attempt=1, reason="boom", retryable=True)
LOST = e.AttemptLost(run=1, attempt=1, worker="w1", silent_s=30)
STORED = e.ResultStored(result=FILE)
FINISHED = e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)
PARTLY = [
    STARTED,
    e.ItemsFailed(items=(BAD,), failed=1),
    STORED,
    e.JobFinished(run=1, attempt=1, ready=9, failed=1, total=10),
]


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def text_after(seconds: float) -> str:
    return time_text(after(seconds))


class At(Struct, frozen=True):
    """An event that came `seconds` after the first ones."""

    seconds: float
    event: e.Event


History = e.Event | At


def recorded(event: e.Event, version: int, at: datetime = T0, job: str = JOB) -> Recorded:
    return Recorded(
        tenant="default",
        partition=0,
        position=version,
        stream=job,
        version=version,
        recorded_at=at,
        actor=SYSTEM,
        data=event,
    )


def requested(kind: Definition = EXPORT, **fields: object) -> e.JobRequested:
    known: dict[str, object] = {
        "type": "orders.export",
        "ref": "EX-7F3K9MQ2",
        "title": None,
        "owner": "ann",
        "input": {"rows": 3},
        "settings": None,
        "size": None,
        "priority": 0,
        "not_before": None,
        "definition": kind,
        "dedupe": KEY,
        "again": False,
    }
    return e.JobRequested(**{**known, **fields})  # type: ignore[arg-type]  # named like its fields


def folded(first: e.JobRequested, *history: History) -> Job:
    job = fold(None, recorded(first, 1))
    for each in history:
        event, at = (each.event, after(each.seconds)) if isinstance(each, At) else (each, job.updated_at)
        job = fold(job, recorded(event, job.version + 1, at))
    return job


def job_after(*history: History, kind: Definition = EXPORT) -> Job:
    """A job that was queued at T0, and what came then."""
    return folded(requested(kind), e.JobQueued(run=1, ready_at=text_after(0)), *history)


class Given(Struct, frozen=True):
    job: Job

    def when(self, decide: Callable[[Job], Decision]) -> "Then":
        return Then(self.job, decide(self.job))


class Then(Struct, frozen=True):
    job: Job
    decision: Decision

    def then(self, *events: e.Event, now: float = 0) -> Job:
        """Exactly these events, each of which can come where it comes. Answers the job after them."""
        assert self.decision == list(events)
        job = self.job
        for event in events:
            job = fold(job, recorded(event, job.version + 1, after(now)))
        return job

    def refused(self, problem: Problem) -> Rejection:
        assert isinstance(self.decision, Rejection), self.decision
        assert self.decision.problem is problem
        return self.decision

    def late(self, *events: e.Event) -> None:
        assert self.decision == Late(list(events))

    def held_back(self, progress: Progress) -> None:
        assert self.decision == Later(progress)


def given(*history: History, kind: Definition = EXPORT) -> Given:
    return Given(job_after(*history, kind=kind))


def report(
    body: requests.Body,
    now: float = 10,
    *,
    run: int = 1,
    attempt: int = 1,
    pending: Progress | None = None,
    failed: Mapping[str, tuple[str | None, str | None]] | None = None,
    still_open: frozenset[str] = frozenset(),
    result: StoredResult | None = None,
) -> Callable[[Job], Decision]:
    """A worker's report `now` seconds after the job was queued."""
    verb = next(name for name, kind in requests.REPORTS.items() if type(body) is kind)
    facts = Facts(
        run=run, attempt=attempt, verb=verb, pending=pending, failed=failed or {}, open=still_open, result=result
    )
    return lambda job: decide_report(job, body, facts, after(now))


IN_PHASE: dict[Phase, list[History]] = {
    Phase.READY: [],
    Phase.DELAYED: [e.JobDelayed(ready_at=text_after(0))],
    Phase.RETRYING: [STARTED, FAILED, e.RetryScheduled(run=1, attempt=1, at=text_after(5))],
    Phase.STARTING: [STARTED],
    Phase.WORKING: [STARTED, e.ProgressReported(done=1, total=10)],
    Phase.QUIET: [STARTED, e.AttemptQuiet(silent_s=120)],
    Phase.STUCK: [STARTED, e.AttemptStuck(silent_s=600)],
    Phase.FINALIZING: [STARTED, e.ProgressReported(done=10, total=10)],
    Phase.CANCELING: [STARTED, e.CancelRequested(held=True)],
    Phase.ASKING: [STARTED, e.NeedsFix(cause="asked", text="The file is empty.")],
    Phase.GAVE_UP: [STARTED, FAILED, e.NeedsFix(cause="gave_up")],
    Phase.OVERDUE: [e.NeedsFix(cause="overdue")],
    Phase.DONE: [STARTED, STORED, FINISHED],
    Phase.PARTLY_DONE: [*PARTLY],
    Phase.STOPPED: [e.CancelRequested(held=False), e.JobCanceled()],
    Phase.EXPIRED: [STARTED, e.NeedsFix(cause="asked", text="?"), e.JobCanceled(expired=True)],
}


def job_in(phase: Phase, kind: Definition = EXPORT) -> Job:
    """A job in this phase, whose first attempt (if it has one) is 1.1."""
    if phase is Phase.SCHEDULED:
        later = e.JobQueued(run=1, ready_at=text_after(3600), waits=True)
        return folded(requested(kind, not_before=text_after(3600)), later)
    job = job_after(*IN_PHASE[phase], kind=kind)
    assert job.phase is phase
    return job


STORED_PHASES = [Phase.SCHEDULED, *IN_PHASE]
