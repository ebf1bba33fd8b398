"""A job type is data: what the job is called, its stages, when two requests are the same, what a retry may do.

Stored as `JobTypeDefined` events in stream `type:<name>`, one version after the other; a job keeps the definition
it was requested under, so a later change never rewrites an older job's screen.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.private import ALLOWED

Text = str | dict[str, str]  # one text for all, or one for each language: {"en": …, "de": …}

Label = Annotated[str, Meta(min_length=1, max_length=200)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]

Safety = Literal["safe", "may_duplicate", "may_charge"]
Mode = Literal["starts_fresh", "resumes"]

WHILE_ACTIVE, FOREVER, NEVER = "while_active", "forever", "never"
_PERIOD = re.compile(r"^([1-9][0-9]{0,5})([smhd])$")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SAME_PATH = re.compile(r"^(owner|input|settings)$|^(input|settings)(\.[^.\s]{1,100}){1,8}$")


class Base(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a job type: unknown fields are refused with their pointer."""


class Stage(Base, frozen=True):
    """One real milestone of the work. `label` is what a person reads ("Writing the final CSV")."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    label: Text | None = None


class Place(Base, frozen=True):
    """Where the result will be, in the product's own words ("Your file will appear in Exports")."""

    place: Text | None = None


class Dedupe(Base, frozen=True, rename={"for_": "for"}):
    """`same`: which fields make two requests one. `for`: while_active, a period ("10m"), forever or never."""

    same: Annotated[tuple[str, ...], Meta(min_length=1, max_length=16)] = ("owner", "input", "settings")
    for_: str = WHILE_ACTIVE

    @property
    def period_s(self) -> int | None:
        """Seconds of a period rule ("10m" is 600), None for the named rules."""
        found = _PERIOD.fullmatch(self.for_)
        return int(found[1]) * _UNIT_S[found[2]] if found else None


class Backoff(Base, frozen=True):
    """Pause before attempt n+1: `first · factor^(n-1)` seconds, at most `max`, with jitter down to one half."""

    first: Annotated[float, Meta(ge=0, le=86_400)] = 1
    factor: Annotated[float, Meta(ge=1, le=100)] = 2
    max: Annotated[float, Meta(ge=0, le=604_800)] = 300


class Retry(Base, frozen=True):
    """What a retry may do to the world, and how many attempts a run gets by itself."""

    safety: Safety = "safe"
    mode: Mode = "starts_fresh"
    attempts: Annotated[int, Meta(ge=1, le=1000)] = 3
    backoff: Backoff = Backoff()


class Limits(Base, frozen=True):
    """How many attempts may be live at once: for a tenant, for one owner, for this type in all. null: no limit."""

    per_tenant: Positive | None = None
    per_owner: Positive | None = None
    total: Positive | None = None


class Stall(Base, frozen=True):
    """Seconds without proof of work until an attempt is called quiet, then stuck; and what to do when stuck."""

    quiet: Seconds | None = None
    stuck: Seconds | None = None
    do: Literal["tell", "retry"] = "tell"


class Noun(Base, frozen=True):
    """A counted thing: {"one": "row", "other": "rows"}; each form a string or one for each language."""

    one: Text = "row"
    other: Text = "rows"


class JobType(Base, frozen=True):
    """The whole definition, every field but `title` optional (CONTRACT: job type)."""

    title: Text
    stages: Annotated[tuple[Stage, ...], Meta(max_length=50)] = ()
    result: Place = Place()
    dedupe: Dedupe = Dedupe()
    retry: Retry = Retry()
    lease: Annotated[float, Meta(ge=0.5, le=86_400)] = 30
    limits: Limits = Limits()
    priority: Annotated[int, Meta(ge=-100, le=100)] = 0
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1
    deadline: Seconds | None = None
    stall: Stall = Stall()
    private: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    keep: Seconds | None = None
    expires: Seconds = 2_592_000
    leave: bool = True
    unit: Noun = Noun()
    ready: Noun = Noun()


class Definition(JobType, frozen=True, omit_defaults=True):
    """The same, written without its defaults: the copy that each job's `JobRequested` carries."""


def problems_of(kind: JobType) -> list[tuple[str, str]]:
    """What the types can't say: (pointer, detail) of each mistake, an empty list for a good definition."""
    wrong: list[tuple[str, str]] = []
    names = [stage.name for stage in kind.stages]
    wrong += [(f"/stages/{n}/name", "is used twice") for n, name in enumerate(names) if name in names[:n]]
    if kind.dedupe.for_ not in {WHILE_ACTIVE, FOREVER, NEVER} and kind.dedupe.period_s is None:
        wrong.append(("/dedupe/for", 'must be "while_active", "forever", "never" or a period such as "10m"'))
    for n, path in enumerate(kind.dedupe.same):
        if _SAME_PATH.fullmatch(path) is None:
            wrong.append((f"/dedupe/same/{n}", 'must be "owner", "input", "settings" or a path such as "input.prompt"'))
    for n, path in enumerate(kind.private):
        if ALLOWED.fullmatch(path) is None:
            detail = (
                'must be "title", "input.*", "settings.*", a path below them, "items", "problem", "result" or "uploads"'
            )
            wrong.append((f"/private/{n}", detail))
    if kind.stall.quiet and kind.stall.stuck and kind.stall.stuck < kind.stall.quiet:
        wrong.append(("/stall/stuck", "must not be shorter than quiet"))
    wrong += [(pointer, "must not be empty") for pointer, text in _texts(kind) if not _said(text)]
    return wrong


def text_in(text: Text | None, language: str) -> str:
    """One language's form of a text; English, then any, where that language is missing. "" for None."""
    if text is None or isinstance(text, str):
        return text or ""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def _said(text: Text | None) -> bool:
    if isinstance(text, dict):
        return bool(text) and all(form.strip() for form in text.values())
    return text is None or bool(text.strip())


def _texts(kind: JobType) -> list[tuple[str, Text | None]]:
    found: list[tuple[str, Text | None]] = [("/title", kind.title), ("/result/place", kind.result.place)]
    found += [(f"/stages/{n}/label", stage.label) for n, stage in enumerate(kind.stages)]
    for name, noun in (("unit", kind.unit), ("ready", kind.ready)):
        found += [(f"/{name}/one", noun.one), (f"/{name}/other", noun.other)]
    return found
