"""Jobs in every situation that the events can lead to, found by folding every event wherever it may come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from projections.status.fold import fold
from schemas import events as e
from schemas.envelope import SYSTEM, Recorded, time_text
from schemas.job import Job
from schemas.jobtypes import Dedupe, Definition, Noun, Place, Retry, Stage
from schemas.states import TRANSITIONS, Phase

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JOB_ID = "0193a5b0-0000-7000-8000-000000000000"

IMPORT = Definition(
    title={"en": "Import", "de": "Import"},
    stages=(
        Stage("checking", {"en": "Checking rows", "de": "Zeilen werden geprüft"}),
        Stage("adding", {"en": "Adding customers", "de": "Kunden werden angelegt"}),
    ),
    result=Place({"en": "Your customers will appear in Contacts.", "de": "Ihre Kunden erscheinen unter Kontakte."}),
    unit=Noun({"en": "row", "de": "Zeile"}, {"en": "rows", "de": "Zeilen"}),
    ready=Noun({"en": "row", "de": "Zeile"}, {"en": "rows", "de": "Zeilen"}),
)
NOTES = Definition(
    title={"en": "Summaries", "de": "Zusammenfassungen"},
    dedupe=Dedupe(for_="10m"),
    retry=Retry(safety="may_charge", mode="resumes"),
    unit=Noun({"en": "note", "de": "Notiz"}, {"en": "notes", "de": "Notizen"}),
    ready=Noun({"en": "summary", "de": "Zusammenfassung"}, {"en": "summaries", "de": "Zusammenfassungen"}),
)
PLAIN = Definition(title="Export")

BAD_ROW = e.Item(id="17", row=17, column="start_date", reason="is not a date")
BAD_FIELD = e.Item(id="18", row=18, column="email", reason="is missing")
FILE = e.StoredResult(upload="0193a5b0-0000-7000-8000-0000000000ff", name="orders.csv", size=1_234_567)

QUEUED = e.JobQueued(run=1, ready_at=time_text(NOW))
STARTED = e.AttemptStarted(run=1, attempt=1, worker="w1")
ADDING = e.StageStarted(stage="adding")
BAD_ROWS = e.ItemsFailed(items=(BAD_ROW,), failed=4)
HALF = e.ProgressReported(done=2100, total=4200)
ALL_COUNTED = e.ProgressReported(done=4200, total=4200)
STORED = e.ResultStored(result=FILE)
LOST = e.AttemptLost(run=1, attempt=1, worker="w1")
PARTIAL = e.JobFinished(run=1, attempt=1, ready=4196, failed=4, total=4200)
WHOLE = e.JobFinished(run=1, attempt=1, ready=4200, failed=0, total=4200)
RUNNING = (QUEUED, STARTED, ADDING)

EVENTS: list[e.Event] = [
    e.RequestRepeated(clicks=2),
    e.JobQueued(run=1, ready_at=time_text(NOW)),
    e.JobQueued(run=1, ready_at=time_text(NOW + timedelta(hours=1)), waits=True),
    e.JobDelayed(ready_at=time_text(NOW)),
    e.AttemptStarted(run=1, attempt=1, worker="w1"),
    e.AttemptStarted(run=1, attempt=2, worker="w2"),
    e.StageStarted(stage="checking"),
    e.StageStarted(stage="adding"),
    e.ProgressReported(done=1, total=None),
    e.ProgressReported(done=2100, total=4200),
    e.ProgressReported(done=4200, total=4200),
    e.ItemsFailed(items=(BAD_ROW,), failed=1),
    e.ItemsFailed(items=(BAD_ROW, BAD_FIELD), failed=4),
    e.ResultStored(result=FILE),
    e.ResultStored(result=e.StoredResult(inline={"rows": 4200})),
    e.JobFinished(run=1, attempt=1, ready=4200, failed=0, total=4200),
    e.JobFinished(run=1, attempt=1, ready=4196, failed=4, total=4200),
    e.NeedsFix(cause="asked", text="row 17 has an invalid date in start_date"),
    e.NeedsFix(cause="asked", text="The key was refused.", next="Connect your account again"),
    e.NeedsFix(cause="gave_up"),
    e.NeedsFix(cause="gave_up", text="The file is too big.", next="Try a smaller file."),
    e.NeedsFix(cause="overdue"),
    e.AttemptFailed(run=1, attempt=1, reason="boom", retryable=True),
    e.AttemptLost(run=1, attempt=1, worker="w1", silent_s=30.0),
    e.AttemptReleased(run=1, attempt=1),
    e.AttemptQuiet(silent_s=60.0),
    e.AttemptStuck(silent_s=600.0),
    e.RetryRequested(run=2, scope="all", plan="0" * 32),
    e.RetryRequested(run=2, scope="failed_items", plan="0" * 32),
    e.RetryScheduled(run=1, attempt=1, at=time_text(NOW + timedelta(minutes=1))),
    e.CancelRequested(held=True),
    e.CancelRequested(held=False),
    e.JobCanceled(),
    e.JobCanceled(expired=True),
    e.LateReportRefused(run=1, attempt=1, verb="finish"),
]


def recorded(event: e.Event, version: int) -> Recorded:
    return Recorded(
        tenant="default",
        partition=0,
        position=version,
        stream=JOB_ID,
        version=version,
        recorded_at=NOW,
        actor=SYSTEM,
        data=event,
    )


def requested(definition: Definition) -> Job:
    event = e.JobRequested(
        type="customers.import",
        ref="IM-7F3K9MQ2",
        title=None,
        owner="ann",
        input=None,
        settings=None,
        size=None,
        priority=0,
        not_before=None,
        definition=definition,
        dedupe=None,
        again=False,
    )
    return fold(None, recorded(event, 1))


def journey(definition: Definition, *events: e.Event) -> Job:
    """The job after these events."""
    job = requested(definition)
    for event in events:
        job = fold(job, recorded(event, job.version + 1))
    return job


def situations(definition: Definition) -> dict[tuple[object, ...], Job]:
    """One job for each situation that the words tell apart."""
    first = requested(definition)
    found = {_situation(first): first}
    new = [first]
    while new:
        job = new.pop()
        for after in _next(job):
            if _situation(after) not in found:
                found[_situation(after)] = after
                new.append(after)
    return found


def _next(job: Job) -> Iterator[Job]:
    for event in EVENTS:
        if job.phase in TRANSITIONS[type(event).__name__, e.variant(event)][0]:
            yield fold(job, recorded(event, job.version + 1))


def _situation(job: Job) -> tuple[object, ...]:
    problem, ledger = job.problem, job.ledger
    worked = job.phase in {Phase.WORKING, Phase.FINALIZING, Phase.QUIET, Phase.STUCK}
    return (
        job.phase,
        problem and (problem.cause, problem.text, problem.row),
        ledger and ledger.failed,
        worked and (job.stage, job.progress),
        job.phase in {Phase.DONE, Phase.PARTLY_DONE} and job.result and job.result.name,
    )


SITUATIONS = [job for definition in (PLAIN, IMPORT, NOTES) for job in situations(definition).values()]
