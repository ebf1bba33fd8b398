"""The bodies that callers send, as the contract has them. Unknown fields are refused; what is optional may be null."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.events import Json

Owner = Annotated[str, Meta(min_length=1, max_length=200)]
TypeName = Annotated[str, Meta(min_length=1, max_length=200)]
ShortText = Annotated[str, Meta(min_length=1, max_length=500)]
Worker = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[float, Meta(ge=0, le=9_007_199_254_740_991)]
Row = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's JSON body; an empty body is `{}`."""


class Submit(Body, frozen=True, kw_only=True):
    type: TypeName
    owner: Owner
    input: Json = None
    settings: Json = None
    size: Count | None = None
    title: ShortText | None = None
    again: bool | None = None
    priority: Annotated[int, Meta(ge=-100, le=100)] | None = None
    not_before: Annotated[datetime, Meta(tz=True)] | None = None


class PassFor(Body, frozen=True, kw_only=True):
    """Whose jobs a browser may use, and for how many seconds (an hour by default)."""

    owner: Owner
    ttl_s: Annotated[float, Meta(ge=10, le=86_400)] | None = None


class Erase(Body, frozen=True, kw_only=True):
    """Whose private data is forgotten for ever."""

    owner: Owner


class Batch(Body, frozen=True, kw_only=True):
    jobs: list[Json]  # each is judged by itself, so one bad item never refuses its neighbours


class Cancel(Body, frozen=True, kw_only=True):
    pass


class Retry(Body, frozen=True, kw_only=True):
    scope: Literal["all", "failed_items"] = "all"
    confirm: bool | None = None
    plan: str | None = None
    input: Json = None


class NamedCancel(Cancel, frozen=True, kw_only=True):
    """On NATS: the job by its id, or by the command that asked for it."""

    job: str | None = None
    command_id: str | None = None


class NamedRetry(Retry, frozen=True, kw_only=True):
    """On NATS: the job by its id, or by the command that asked for it."""

    job: str | None = None
    command_id: str | None = None


class Get(Body, frozen=True, kw_only=True):
    """On NATS: the job by its id, as it is or as it was (`at`)."""

    job: str
    at: Annotated[datetime, Meta(tz=True)] | None = None


class Claim(Body, frozen=True, kw_only=True):
    types: Annotated[list[TypeName], Meta(min_length=1, max_length=100)]
    worker: Worker
    slots: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    max: Annotated[int, Meta(ge=1)] | None = None
    wait: Annotated[float, Meta(ge=0)] | None = None


class Heartbeat(Body, frozen=True, kw_only=True):
    pass


class Stage(Body, frozen=True, kw_only=True):
    name: ShortText


class Progress(Body, frozen=True, kw_only=True):
    done: Count
    total: Count | None = None
    unit: ShortText | None = None


class ItemReport(Body, frozen=True, kw_only=True):
    reason: ShortText
    id: Annotated[str, Meta(min_length=1, max_length=200)] | int | None = None
    row: Row | None = None
    column: ShortText | None = None
    value: Json = None


class Problems(Body, frozen=True, kw_only=True):
    items: list[ItemReport]


class UploadedResult(Body, frozen=True, kw_only=True):
    """One of three forms: {upload, name?} · {href, sha256, size} · {inline}."""

    upload: str | None = None
    name: ShortText | None = None
    href: Annotated[str, Meta(max_length=4000)] | None = None
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Row | None = None
    inline: dict[str, Json] | None = None


class ItemCounts(Body, frozen=True, kw_only=True):
    ready: Row | None = None
    failed: Row | None = None
    total: Row | None = None


class FinishedItem(Body, frozen=True, kw_only=True):
    """One item named at the end: ready, or failed where it has a reason."""

    id: Annotated[str, Meta(min_length=1, max_length=200)] | int | None = None
    row: Row | None = None
    column: ShortText | None = None
    reason: ShortText | None = None
    value: Json = None
    state: Literal["ready", "failed"] | None = None


class Finish(Body, frozen=True, kw_only=True):
    result: UploadedResult
    items: ItemCounts | list[FinishedItem] | None = None


class NeedsFix(Body, frozen=True, kw_only=True):
    text: ShortText
    row: Row | None = None
    column: ShortText | None = None
    reason: ShortText | None = None
    next: ShortText | None = None


class Fail(Body, frozen=True, kw_only=True):
    reason: Annotated[str, Meta(min_length=1, max_length=4000)]
    retryable: bool | None = None
    text: ShortText | None = None
    next: ShortText | None = None


class Release(Body, frozen=True, kw_only=True):
    pass


class Report(Body, frozen=True, kw_only=True):
    """One report in a batch: which lease, which verb, that verb's body."""

    lease: str
    verb: str
    body: Json = None


class Reports(Body, frozen=True, kw_only=True):
    worker: Worker
    reports: list[Report]


class Heartbeats(Body, frozen=True, kw_only=True):
    worker: Worker
    leases: list[str]


REPORTS: dict[str, type[Body]] = {
    "heartbeat": Heartbeat,
    "stage": Stage,
    "progress": Progress,
    "problems": Problems,
    "finish": Finish,
    "needs-fix": NeedsFix,
    "fail": Fail,
    "release": Release,
}
