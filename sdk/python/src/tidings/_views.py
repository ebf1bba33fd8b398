"""What the service shows: a job as a person sees it, its items, its retry plan. Unknown fields are ignored."""

from datetime import datetime

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Something read from the service."""


class Stage(View, frozen=True):
    name: str
    label: str = ""
    state: str = "ahead"  # done | now | ahead


class Progress(View, frozen=True):
    done: float
    total: float | None = None
    unit: str | None = None


class Range(View, frozen=True):
    low_s: float | None = None  # null: an upper bound only
    high_s: float | None = None
    text: str | None = None


class Wait(View, frozen=True):
    """How long it may take, or in plain words that nobody can know (`reliable` false)."""

    queue: Range | None = None
    work: Range | None = None
    total: Range | None = None
    reliable: bool = False
    text: str | None = None
    as_of: datetime | None = None


class Words(View, frozen=True):
    """Why it has not started yet (`waiting`), or whether one may leave the page (`leave`)."""

    text: str = ""
    reason: str | None = None
    ahead: int | None = None
    since: datetime | None = None
    safe: bool | None = None


class Result(View, frozen=True):
    """Where the result appears, and a plain link that downloads it once it is ready."""

    place: str | None = None
    ready: bool = False
    href: str | None = None
    name: str | None = None
    size: int | None = None


class Trouble(View, frozen=True):
    """What failed and where, whether the job still runs, and the one next step."""

    text: str = ""
    row: int | None = None
    column: str | None = None
    reason: str | None = None
    count: int | None = None
    still_running: bool = False
    next: str | None = None


class Items(View, frozen=True):
    ready: int = 0
    failed: int = 0
    open: int = 0
    total: int = 0


class Action(View, frozen=True):
    """What a person may do now, with the warning to show before it."""

    name: str
    label: str = ""
    method: str = "POST"
    href: str = ""
    warning: str | None = None
    needs_confirmation: bool = False


class Repeat(View, frozen=True):
    """The same was asked before: which job that is, and a sentence that says so."""

    of: str
    first_at: datetime | None = None
    age_s: float | None = None
    same: list[str] = []
    text: str = ""


class JobView(View, frozen=True):
    """A job as a person sees it: show `label` and `sentence`, judge by `ended`, `needs_person` and `action(...)`."""

    id: str
    ref: str
    type: str
    title: str
    owner: str
    state: str
    label: str
    sentence: str
    version: int
    created_at: datetime
    updated_at: datetime
    tenant: str = "default"
    button: dict[str, str] | None = None
    stage: str | None = None
    stages: list[Stage] = []
    progress: Progress | None = None
    liveness: str | None = None
    wait: Wait | None = None
    waiting: Words | None = None
    leave: Words | None = None
    result: Result | None = None
    problem: Trouble | None = None
    items: Items | None = None
    actions: list[Action] = []
    clicks: int = 1
    run: int = 1
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    messages: dict[str, object] = {}
    reopened: bool = False
    repeat: Repeat | None = None

    @property
    def ended(self) -> bool:
        return self.finished_at is not None

    @property
    def needs_person(self) -> bool:
        """It stands still until a person mends or retries it."""
        return not self.ended and self.problem is not None and not self.problem.still_running

    def action(self, name: str) -> Action | None:
        """The action of this name, or None where it can't be done now."""
        return next((action for action in self.actions if action.name == name), None)


class JobPage(View, frozen=True):
    """A page of the history; `next` is the cursor of the page after it."""

    jobs: list[JobView]
    next: str | None = None


class Item(View, frozen=True):
    """One line of a job's ledger; `state` is ready, failed or open, and `run` said so."""

    id: str | int
    row: int | None = None
    column: str | None = None
    reason: str | None = None
    value: object = None
    state: str | None = None
    run: int | None = None


class RetryPlan(View, frozen=True):
    """What a retry does again, what it keeps, and the words to show before it; `plan` is its hash."""

    scope: str = "all"
    runs: dict[str, object] = {}  # count, and the first ids
    keeps: int = 0
    safety: str = "safe"
    mode: str = "starts_fresh"
    text: str = ""
    confirm_text: str | None = None
    plan: str = ""


class Upload(View, frozen=True):
    """A stored file; a job names it as `{"upload": upload.id}`."""

    id: str
    sha256: str
    size: int
