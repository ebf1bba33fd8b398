"""What a screen shows: the JobView of the contract, field by field. Every null is written."""

from msgspec import UNSET, Struct, UnsetType

from schemas.events import Moment

Arg = str | int | float  # what a message can be filled with


class Button(Struct, frozen=True):
    label: str
    action: str  # start | view


class StageView(Struct, frozen=True):
    name: str
    label: str
    state: str  # done | now | ahead


class ProgressView(Struct, frozen=True):
    done: float
    total: float | None
    unit: str


class Range(Struct, frozen=True):
    """Seconds. `low_s` null: an upper bound only."""

    low_s: float | None
    high_s: float | None
    text: str


class Wait(Struct, frozen=True):
    """A rough range, or plainly none (`reliable` false, all null)."""

    queue: Range | None
    work: Range | None
    total: Range | None
    reliable: bool
    text: str
    as_of: Moment


class Waiting(Struct, frozen=True):
    """Why the job waits, at the moment of reading."""

    reason: str
    text: str
    ahead: int | None
    since: Moment | None


class MomentView(Struct, frozen=True):
    """Only the moment has changed: no new version, the same job otherwise."""

    id: str
    version: int
    as_of: Moment
    wait: Wait
    waiting: Waiting | None


class Leave(Struct, frozen=True):
    safe: bool
    text: str


class ResultView(Struct, frozen=True):
    place: str
    ready: bool
    href: str | None
    name: str | None
    size: int | None


class ProblemView(Struct, frozen=True):
    text: str
    row: int | None
    column: str | None
    reason: str | None
    count: int | None
    still_running: bool
    next: str


class ItemsView(Struct, frozen=True):
    ready: int
    failed: int
    open: int
    total: int


class Action(Struct, frozen=True):
    """One thing the person can do now. `warning`: read it before an unsafe retry."""

    name: str  # cancel | retry | retry_failed | again | download | download_problems
    label: str
    method: str
    href: str
    warning: str | None = None
    needs_confirmation: bool = False


class Message(Struct, frozen=True):
    """The Fluent message behind a text, so that any reader can be served in its language."""

    id: str
    args: dict[str, Arg]


class Repeat(Struct, frozen=True):
    """What a repeated click met."""

    of: str
    first_at: Moment
    age_s: float
    same: list[str]
    text: str


class JobView(Struct, frozen=True, kw_only=True):
    id: str
    ref: str
    tenant: str
    type: str
    title: str
    owner: str
    state: str
    label: str
    sentence: str
    button: Button
    stage: str | None
    stages: list[StageView]
    progress: ProgressView | None
    liveness: str | None  # working | quiet | stuck
    wait: Wait
    waiting: Waiting | None
    leave: Leave
    result: ResultView
    problem: ProblemView | None
    items: ItemsView | None
    actions: list[Action]
    clicks: int
    run: int
    attempt: int
    version: int
    created_at: Moment
    started_at: Moment | None
    updated_at: Moment
    finished_at: Moment | None
    messages: dict[str, Message]
    reopened: bool | UnsetType = UNSET  # only in a submit's and find's answer
    repeat: Repeat | UnsetType | None = UNSET


class Plan(Struct, frozen=True, kw_only=True):
    """What a retry would do, shown before the click. `plan` is its hash: what was confirmed is what runs."""

    scope: str
    runs: "PlannedRuns"
    keeps: int
    safety: str
    mode: str
    text: str
    confirm_text: str | None
    plan: str


class PlannedRuns(Struct, frozen=True):
    count: int
    ids: list[str]  # the first 100
