"""One job, folded from its events: what decide judges by, and what every screen is rendered from.

`projections/status/fold.py` makes it; it is stored as the status row's document. Input and settings are kept beside
it, since they are large and never change. Times are datetimes in UTC of the database's clock.
"""

from datetime import datetime

from msgspec import Struct

from schemas.events import EstimateStated, StoredResult
from schemas.jobtypes import Definition
from schemas.states import Phase


class Ledger(Struct, frozen=True):
    """Counts of the job's items; the single failed ones stand in the `items` table.

    ready + failed + open = total, always. `kept`: ready before this run; `done`: handled in this run, failed included.
    `closed`: the run ended well, so all that did not fail is ready. `again`: failed items that this run does again.
    """

    total: int = 0
    kept: int = 0
    done: int = 0
    failed: int = 0
    closed: bool = False
    again: int = 0

    @property
    def ready(self) -> int:
        most = self.total - self.failed
        return most if self.closed else min(self.kept + max(0, self.done - self.failed), most)

    @property
    def open(self) -> int:
        return self.total - self.ready - self.failed


class Progress(Struct, frozen=True):
    """Counted work of the present attempt."""

    done: float
    total: float | None
    unit: str | None


class Problem(Struct, frozen=True):
    """What went wrong, for the person. `cause` is a key of the words; `text` and `next` may come from the worker."""

    cause: str  # items, asked, gave_up, lost, overdue
    text: str | None = None
    row: int | None = None
    column: str | None = None
    reason: str | None = None
    next: str | None = None


class Job(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The state of one job after `version` events of its stream."""

    id: str
    ref: str
    tenant: str
    type: str
    definition: Definition
    owner: str
    title: str | None
    size: float | None
    priority: int
    dedupe: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    position: int
    phase: Phase = Phase.REQUESTED
    clicks: int = 1

    run: int = 1
    attempt: int = 0  # 0: no attempt in this run yet
    scope: str = "all"  # of the present run: "all" or "failed_items"
    failures: int = 0  # attempts of this run that failed or were lost
    worker: str | None = None  # who holds the attempt
    retry_input: bool = False  # this run works on corrected input
    listed_from: int = 1  # items reported before this run belong to work that was begun afresh
    open_from: int = 1  # failed items of runs before this one, and in it of attempts before
    open_attempt: int = 1  # this one, have been settled since

    ready_at: datetime | None = None  # when the run may start, or could have started
    due_from: datetime | None = None  # the run's first `ready_at`: a deadline counts from here
    started_at: datetime | None = None  # first attempt of the job
    attempt_at: datetime | None = None  # present attempt
    sign_at: datetime | None = None  # last proof of work of the attempt: stage, progress, items
    progress_at: datetime | None = None  # last ProgressReported
    blocked_at: datetime | None = None
    finished_at: datetime | None = None

    stage: str | None = None
    progress: Progress | None = None
    ledger: Ledger | None = None
    problem: Problem | None = None
    result: StoredResult | None = None
    cancel_asked: bool = False
    cancel_at: datetime | None = None
    traceparent: str | None = None  # of the click, so that the worker's spans join its trace
    veil: str | None = None  # never stored: how a reader sees the private fields (`schemas.private`); None: not at all
    estimate: EstimateStated | None = None  # the wait last stated, for as long as it can hold
    estimate_at: datetime | None = None
    quiet: dict[str, float] = {}  # of the present attempt: what silence is unusual, by stage
    refused: tuple[str, ...] = ()  # attempts ("run.attempt") whose late report is on record
