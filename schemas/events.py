"""Everything that can happen, in the past tense: one Struct for the data of each event.

The envelope around it (who, when, where in the log) is `schemas/envelope.py`. A change of a form gets a new number in
`SCHEMA` and a step in `schemas/upcast.py`; written bytes are never changed.
"""

from msgspec import Struct

from schemas.jobtypes import Definition

Json = object  # any JSON value, as msgspec decodes it
Moment = str  # RFC 3339, UTC, six digits, `Z`: written the same everywhere, and in order as text


class Event(Struct, frozen=True, kw_only=True):
    """The data of one event."""


class Item(Struct, frozen=True, kw_only=True):
    """One row, note or image of a job. `row` counts from 1, as the person's own file does."""

    id: str
    row: int | None = None
    column: str | None = None
    reason: str | None = None
    value: Json = None


class StoredResult(Struct, frozen=True, kw_only=True):
    """A result that was found in its place: an upload, a link with its size and digest, or inline data."""

    upload: str | None = None
    href: str | None = None
    inline: Json = None
    name: str | None = None
    size: int | None = None
    sha256: str | None = None


class JobRequested(Event, frozen=True, kw_only=True):
    """A click became a job. Carries the type's definition, so the job's screen follows from its own events."""

    type: str
    ref: str
    title: str | None
    owner: str
    input: Json
    settings: Json
    size: float | None
    priority: int
    not_before: Moment | None
    definition: Definition
    dedupe: str | None  # hex digest of what makes a request the same; None where nothing is ever the same
    again: bool  # the user's explicit wish for a fresh run


class RequestRepeated(Event, frozen=True, kw_only=True):
    """The same request came again and met this job. The envelope's actor says who."""

    clicks: int  # all clicks so far, this one included


class JobQueued(Event, frozen=True, kw_only=True):
    """The run may go to a worker from `ready_at` on."""

    run: int
    ready_at: Moment
    waits: bool = False  # `ready_at` lies in the future (a `not_before`)


class JobDelayed(Event, frozen=True, kw_only=True):
    """Nobody took the job for longer than it should wait."""

    ready_at: Moment


class AttemptStarted(Event, frozen=True, kw_only=True):
    """A worker took the run. (run, attempt) is the fencing token's number: only the newest may report."""

    run: int
    attempt: int  # counted from 1 within the run
    worker: str


class StageStarted(Event, frozen=True, kw_only=True):
    """A milestone of the work began."""

    stage: str


class ProgressReported(Event, frozen=True, kw_only=True):
    """Counted work of this attempt. At most one a second for a job; never goes back within an attempt."""

    done: float
    total: float | None
    unit: str | None = None
    last: bool = True  # in the last stage, so that a handled item is a finished one


class ItemsFailed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Items that could not be done, each with its reason. `failed`: how many of the job's items are failed now."""

    items: tuple[Item, ...]
    failed: int
    stopping: bool = False  # said by a worker that was asked to stop
    beyond: int = 0  # how many of them a run of failed items was not asked to do


class ResultStored(Event, frozen=True, kw_only=True):
    """The result was checked in its place: it exists, with this size and digest."""

    result: StoredResult


class JobFinished(Event, frozen=True, kw_only=True):
    """The result can be opened. `ready`, `failed`, `total` close the ledger (None: the job counts no items)."""

    run: int
    attempt: int
    ready: int | None
    failed: int | None
    total: int | None
    items: tuple[Item, ...] = ()  # items the worker named as ready at the end


class NeedsFix(Event, frozen=True, kw_only=True):
    """A person is needed. `cause`: asked (the worker says what), gave_up (attempts used up), overdue (deadline)."""

    cause: str
    text: str | None = None
    row: int | None = None
    column: str | None = None
    reason: str | None = None
    next: str | None = None


class AttemptFailed(Event, frozen=True, kw_only=True):
    """The attempt ended badly. `reason` is for the history; `text` for the person."""

    run: int
    attempt: int
    reason: str
    retryable: bool
    text: str | None = None
    next: str | None = None


class AttemptLost(Event, frozen=True, kw_only=True):
    """No sign of life for one lease time: the lease is outdated and the run may go to another worker."""

    run: int
    attempt: int
    worker: str
    silent_s: float = 0.0  # since schema 2; schema 1 reads as 0.0


class AttemptReleased(Event, frozen=True, kw_only=True):
    """The worker gave the attempt back, unharmed; it does not count against the attempts."""

    run: int
    attempt: int


class AttemptQuiet(Event, frozen=True, kw_only=True):
    """The worker lives, but no proof of work came for `silent_s` seconds."""

    silent_s: float


class AttemptStuck(Event, frozen=True, kw_only=True):
    """No proof of work for longer than the type's rule allows."""

    silent_s: float


class RetryRequested(Event, frozen=True, kw_only=True):
    """A person asked for another run of this job: all of it, or its failed items alone."""

    run: int  # the run that follows
    scope: str
    plan: str  # hash of the plan that was confirmed or would have been shown
    input: Json = None  # replaces the failed items' input


class RetryScheduled(Event, frozen=True, kw_only=True):
    """The next attempt starts by itself at `at`, after a pause."""

    run: int
    attempt: int  # the attempt that failed
    at: Moment


class CancelRequested(Event, frozen=True, kw_only=True):
    """Somebody asked to stop the job. `held`: a worker still has it and is told at its next sign."""

    held: bool


class JobCanceled(Event, frozen=True, kw_only=True):
    """The job stopped for good. `expired`: by the system, as it needed a fix that never came."""

    expired: bool = False


class LateReportRefused(Event, frozen=True, kw_only=True):
    """An outdated lease tried to report; nothing of it was written. Once for each attempt."""

    run: int
    attempt: int
    verb: str


class Bounds(Struct, frozen=True, kw_only=True):
    """Seconds, as shown. `low_s` null: an upper bound only."""

    low_s: int | None
    high_s: int


class EstimateStated(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What was said about the wait, as far as anything could be said. `queue` and `total` count from this event."""

    when: str  # accepted, started, shown (to somebody who watches, as it changed)
    queue: Bounds | None = None
    work: Bounds | None = None  # from the start of the attempt
    total: Bounds | None = None
    overdue: bool = False  # the work takes longer than most
    longer: bool = False  # the line is longer than usual
    slower: bool = False  # such work is slower than usual
    quiet: dict[str, float] = {}  # seconds without a sign, by stage, that are more than usual; at a start


class JobTypeDefined(Event, frozen=True, kw_only=True):
    """A tenant's job type was defined or changed."""

    name: str
    definition: Definition


class AuditRead(Event, frozen=True, kw_only=True):
    """Somebody is about to read the history as an auditor; the envelope says who. In stream `tenant:<name>`."""

    what: str  # events, export, replay, prove
    job: str | None = None
    type: str | None = None  # of events or of jobs
    partition: int | None = None
    since: Moment | None = None
    until: Moment | None = None


class PersonErased(Event, frozen=True, kw_only=True):
    """A person's key was destroyed: nothing private of theirs can be read any more. In stream `tenant:<name>`."""

    owner: str
    jobs_canceled: int  # of theirs that were still open
    files: int  # that nobody else used


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        JobRequested, RequestRepeated, JobQueued, JobDelayed, AttemptStarted, StageStarted, ProgressReported,
        ItemsFailed, ResultStored, JobFinished, NeedsFix, AttemptFailed, AttemptLost, AttemptReleased, AttemptQuiet,
        AttemptStuck, RetryRequested, RetryScheduled, CancelRequested, JobCanceled, LateReportRefused,
        EstimateStated, JobTypeDefined, AuditRead, PersonErased,
    )
}  # fmt: skip

SCHEMA: dict[str, int] = {name: 2 if name == "AttemptLost" else 1 for name in EVENTS}


def variant(event: Event) -> str:
    """Which row of the transition table an event takes (`schemas/states.py`)."""
    match event:
        case JobQueued():
            return "later" if event.waits else "now"
        case ProgressReported():
            return "complete" if event.last and event.total is not None and event.done >= event.total else "open"
        case JobFinished():
            return "partial" if event.failed else "whole"
        case NeedsFix():
            return event.cause
        case ItemsFailed():
            return "stopping" if event.stopping else ""
        case CancelRequested():
            return "held" if event.held else "free"
        case JobCanceled():
            return "expired" if event.expired else "asked"
        case _:
            return ""
