"""The words: Fluent catalogues in two languages, and the one function that speaks them.

In: a message id and its arguments. Out: the text a person reads, with numbers and plurals as the language has them.
Promise: every text of ours is in every catalogue; what is missing fails a test, never a screen.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from babel import Locale
from fluent.runtime import FluentBundle, FluentResource

from schemas.problems import Problem
from schemas.views import Arg

LANGUAGES = ("en", "de")  # the first is spoken where nothing else was asked for
HEADER_MAX_CHARS = 1000
CACHE_TEXTS = 2_048  # most texts of a screen repeat; counted progress and what names a job do not

Args = Mapping[str, Arg]

UNSAID = "none"  # stands for an argument of a problem that the caller did not know
PROBLEM_ARGS: dict[Problem, tuple[str, ...]] = {
    Problem.UNAUTHORIZED: (),
    Problem.FORBIDDEN: ("scope",),  # the missing permission
    Problem.NOT_FOUND: ("name",),  # what the path named
    Problem.REMOVED: ("name",),  # the job's ref
    Problem.METHOD_NOT_ALLOWED: ("method", "allowed"),  # both as HTTP writes them
    Problem.TOO_LARGE: ("name", "limit", "unit"),  # unit: bytes, items, jobs or characters
    Problem.INVALID: ("count",),  # how many fields are named under `errors`
    Problem.UNKNOWN_TYPE: ("name",),
    Problem.UNKNOWN_UPLOAD: ("name",),
    Problem.UNKNOWN_JOB: ("name",),
    Problem.RESULT_MISSING: ("name",),
    Problem.KEY_REUSED: (),
    Problem.LEASE_OUTDATED: ("ref",),
    Problem.ALREADY_FINISHED: ("ref",),
    Problem.STILL_RUNNING: ("ref",),
    Problem.NOTHING_TO_RETRY: ("ref", "scope"),  # scope: all or failed_items
    Problem.CONFIRM_FIRST: ("ref", "safety"),  # safety: as in the job type
    Problem.PLAN_CHANGED: ("ref",),
    Problem.NEWER_TWIN: ("ref", "newer"),  # the ref asked for, and the ref of the newer job
    Problem.HISTORY_DAMAGED: (),
    Problem.BUSY: ("limit", "seconds"),  # how many requests may wait; when to come again
    Problem.BROKEN: (),
    Problem.UNAVAILABLE: ("seconds",),
}


class UnknownMessage(LookupError):
    """No catalogue entry has this id, or the language is none of ours: a bug, never a user's mistake."""


class BadArguments(ValueError):
    """A message could not be filled from the arguments that were given: a bug, never a user's mistake."""


@cache
def _bundle(language: str) -> FluentBundle | None:
    """Parsed when it is first spoken: a tenth of a second's work that a short command may never need."""
    if language not in LANGUAGES:
        return None
    text = (Path(__file__).parent / f"{language}.ftl").read_text(encoding="utf-8")
    bundle = FluentBundle([language], use_isolating=False)
    bundle.add_resource(FluentResource(text))
    return bundle


_PLURALS = {language: Locale.parse(language).plural_form for language in LANGUAGES}


def say(language: str, message_id: str, args: Args) -> str:
    """The text of a message. Raises UnknownMessage or BadArguments."""
    return _said(language, message_id, tuple(args.items()))


@lru_cache(maxsize=CACHE_TEXTS)
def _said(language: str, message_id: str, args: tuple[tuple[str, Arg], ...]) -> str:
    bundle = _bundle(language)
    pattern = bundle.get_message(message_id).value if bundle and bundle.has_message(message_id) else None
    if bundle is None or pattern is None:
        raise UnknownMessage(f"{language}: {message_id}")
    text, errors = bundle.format_pattern(pattern, dict(args))
    if errors:
        raise BadArguments(f"{language}: {message_id}: {errors[0]}")
    return str(text)


def plural(language: str, count: float) -> str:
    """Which form of a noun the language wants beside this count: one or other."""
    return _PLURALS[language](count)


class ProblemWords(NamedTuple):
    title: str
    detail: str
    next: str


def problem_words(language: str, problem: Problem, args: Mapping[str, object]) -> ProblemWords:
    """A refusal in words. Arguments that are missing or no plain values make it less exact, never fail it."""
    given = {name: args.get(name) for name in PROBLEM_ARGS[problem]}
    filled = {name: value if isinstance(value, str | int | float) else UNSAID for name, value in given.items()}
    key = f"problem-{problem.code}"
    return ProblemWords(*(say(language, key + part, filled) for part in ("", "-detail", "-next")))


_RANGE = re.compile(
    r"^\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?$"
)


@lru_cache(maxsize=1024)
def negotiate(accept_language: str | None) -> str:
    """The language of ours that a header likes best (RFC 9110, 12.5.4); the first for none, a bad or a too long one."""
    if accept_language is None or len(accept_language) > HEADER_MAX_CHARS:
        return LANGUAGES[0]
    found = [_RANGE.match(part) for part in accept_language.split(",") if part.strip()]
    wishes = [(match[1].split("-")[0].lower(), float(match[2] or 1)) for match in found if match]
    if len(wishes) < len(found):
        return LANGUAGES[0]
    wanted: dict[str, float] = {}
    for language, weight in wishes:
        wanted[language] = max(weight, wanted.get(language, 0.0))
    order = {language: place for place, (language, _) in reversed(list(enumerate(wishes)))}
    best = max(LANGUAGES, key=lambda ours: (_weight(ours, wanted), -order.get(ours, len(wishes))))
    return best if _weight(best, wanted) > 0 else LANGUAGES[0]


def _weight(language: str, wanted: dict[str, float]) -> float:
    return wanted.get(language, wanted.get("*", 0.0))
