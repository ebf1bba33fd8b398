"""Request bodies, decoded strictly: whatever is wrong gets a JSON pointer and plain words.

msgspec judges the form. What it lets pass but the log can't keep (NUL, integers beyond 2^53, bottomless nesting) and
what it can't point at (NaN, lone surrogates) is found by a walk, which only suspect bodies pay for.
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from schemas.events import Json
from schemas.problems import Fault, Problem, Rejection
from services.front.problems import Refused

INTEGER_MAX = 2**53 - 1  # RFC 8785 writes no larger ones
DEPTH_MAX = 100
YEARS = range(1970, 9000)  # what every calendar between here and the screen can count with

T = TypeVar("T")

# Integers of 16 digits, escaped NULs: only these, or brackets many levels deep, make a body worth walking through.
_SUSPECT = re.compile(rb"[0-9]{16}|\\u0000")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
    "datetime": "a time such as 2026-11-24T09:30:00Z",
}


def too_large(name: str, limit: int, unit: str = "bytes", pointer: str = "") -> Refused:
    faults = (Fault(pointer, f"must not be larger than {limit} {unit}"),)
    return Refused(Rejection(Problem.TOO_LARGE, {"name": name, "limit": limit, "unit": unit}, faults))


def invalid(*faults: Fault) -> Refused:
    return Refused(Rejection(Problem.INVALID, {"count": len(faults)}, faults))


def decode(raw: bytes, kind: type[T], decoder: msgspec.json.Decoder[T] | None = None) -> T:
    """The body in its form; an empty one is `{}`. Raises Refused (422) for everything that is wrong with it."""
    raw = raw or b"{}"
    try:
        body = (decoder or msgspec.json.Decoder(kind)).decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(fault_of(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(*_malformed(raw, error)) from None
    if _SUSPECT.search(raw) or _may_be_deep(raw):
        _refuse_unkept(raw)
    return body


def convert(value: Json, kind: type[T], at: str) -> T:
    """One item of a batch, judged by itself; `at` is where it stands in the body."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise invalid(fault_of(error, at)) from None


def in_range(moment: datetime | None, pointer: str) -> datetime | None:
    """A time in UTC, if it is one that can be counted with."""
    try:
        moment = moment and moment.astimezone(UTC)
    except OverflowError:
        raise invalid(Fault(pointer, _YEARS)) from None
    if moment and moment.year not in YEARS:
        raise invalid(Fault(pointer, _YEARS))
    return moment


_YEARS = f"must lie in the years {YEARS.start} to {YEARS.stop - 1}"


def fault_of(error: msgspec.ValidationError, at: str = "") -> Fault:
    """msgspec's message as a pointer and words: "Expected `int`, got `str` - at `$.jobs[0].size`"."""
    what, _, path = str(error).partition(" - at `$")
    steps = [found[1] or found[2] for found in _STEP.finditer(path.removesuffix("`"))]
    pointer = at + "".join(f"/{escape(step)}" for step in steps if step)
    if found := re.fullmatch(r"Object (missing required|contains unknown) field `(.*)`", what, re.DOTALL):
        detail = "is missing" if found[1].startswith("missing") else "is not a field that is known here"
        return Fault(f"{pointer}/{escape(found[2])}", detail)
    return Fault(pointer, _plain(what))


def _plain(what: str) -> str:
    if found := re.fullmatch(r"Expected `(.+)`, got `(.+)`", what):
        return f"must be {_kinds(found[1])}, not {_kinds(found[2])}"
    if found := re.fullmatch(r"Expected `(\w+)(?: \| null)?` of length (>=|<=) (\d+)", what):
        unit = "characters" if found[1] == "str" else "items"
        if found[2] == ">=" and found[3] == "1":
            return "must not be empty"
        return f"must have {_bound(found[2])} {found[3]} {unit}"
    if found := re.fullmatch(r"Expected `[^`]+` (>=|<=|<|>) (\S+)", what):
        return f"must be {_bound(found[1])} {found[2].removesuffix('.0')}"
    if found := re.fullmatch(r"Expected `[^`]+` matching regex '(.+)'", what):
        return f"must be text that matches {found[1]}"
    if "datetime" in what:
        zone = "a timezone" in what
        return "must say its time zone, such as Z" if zone else f"must be {_WORDS['datetime']}"
    if "out of range" in what:
        return "is a larger number than can be kept"
    return f"can't be used: {what[:1].lower()}{what[1:]}"


def _bound(sign: str) -> str:
    return {">=": "at least", "<=": "at most", "<": "less than", ">": "more than"}[sign]


def _kinds(names: str) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names.split(" | "))


def _malformed(raw: bytes, error: Exception) -> list[Fault]:
    """Why the bytes are no JSON: the fields that hold what JSON can't say, else where the text breaks off."""
    if isinstance(error, RecursionError):
        return [_deep("")]
    try:
        found = list(_faults(json.loads(raw, strict=False)))
    except RecursionError:
        return [_deep("")]
    except UnicodeDecodeError:
        return [Fault("", "must be UTF-8 text")]
    except ValueError as place:
        return [Fault("", f"is not JSON: {place}")]
    return found or [Fault("", f"is not JSON: {error}")]


def _may_be_deep(raw: bytes) -> bool:
    """Whether JSON's brackets may go deeper than they may. Each step takes the innermost away, two levels at most."""
    if raw.count(b"[") + raw.count(b"{") <= DEPTH_MAX:
        return False
    brackets = _TEXT.sub(b"", raw).translate(None, _NO_BRACKETS)
    for _ in range(DEPTH_MAX // 2):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True


def _refuse_unkept(raw: bytes) -> None:
    if found := list(_faults(msgspec.json.decode(raw))):
        raise invalid(*found)


def _deep(pointer: str) -> Fault:
    return Fault(pointer, f"must not be nested deeper than {DEPTH_MAX} levels")


_FAULTS_MAX = 20


def _faults(body: Json) -> Iterator[Fault]:
    """Every value that can't be kept, with its pointer; the first ones are enough to act on."""
    found, left = 0, [("", body, 0)]
    while left and found < _FAULTS_MAX:
        pointer, value, depth = left.pop()
        if depth > DEPTH_MAX:
            yield _deep(pointer[:500])
            return
        wrong = _wrong(value)
        if wrong:
            found += 1
            yield Fault(pointer, wrong)
        if isinstance(value, dict):
            for name in value:
                if isinstance(name, str) and (wrong := _wrong(name)):
                    found += 1
                    yield Fault(pointer, f"has a field whose name {wrong}")
            left += [(f"{pointer}/{escape(str(name))}", inner, depth + 1) for name, inner in reversed(value.items())]
        elif isinstance(value, list):
            left += [(f"{pointer}/{n}", inner, depth + 1) for n, inner in reversed(list(enumerate(value)))]


def _wrong(value: Json) -> str | None:
    if isinstance(value, str):
        return _wrong_text(value)
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    if isinstance(value, int) and abs(value) > INTEGER_MAX:
        return f"must be a whole number of at most {INTEGER_MAX}; send larger ones as text"
    return None


def _wrong_text(value: str) -> str | None:
    if "\0" in value:
        return "must not contain the NUL character"
    if not value.isprintable() and any("\ud800" <= c <= "\udfff" for c in value):
        return "must not contain half of a surrogate pair"
    return None


def escape(name: str) -> str:
    """A field's name as a step of a JSON pointer (RFC 6901). What can't be written in UTF-8 is shown as `?`."""
    return name.replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()
