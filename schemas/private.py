"""Which fields a job type marks as private, and where in a request they stand.

A private value is written as a marker, a string `private:<key id>:<ciphertext>` in the place of the value: in the
line, in every row and message. docs/private.md has the form. Nothing here can read one.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

Json = object  # any JSON value

PREFIX = "private:"
TITLE, ITEM_VALUE, RETRY_INPUT, RESULT = "title", "items.value", "retry.input", "result"
LIFTED, REMOVED = "lifted", "removed"  # how a job's private fields are read now (`schemas.job.Job.veil`)

ALLOWED = re.compile(
    r"title|items|items\.value|items\.\*|problem|results?|results?\.\*|uploads?|uploads?\.\*"
    r"|(input|settings)(\.\*|(\.[^.\s*]{1,100}){1,8}(\.\*)?)?"
)

Path = tuple[str, ...]  # below `input` or `settings`; () is all of it
Change = Callable[[str, Json], Json]  # (its path, the value) to what stands there instead


class Marked(Struct, frozen=True):
    """A job type's `private`, read. `problem`: the words of workers about what went wrong."""

    title: bool = False
    input: tuple[Path, ...] = ()
    settings: tuple[Path, ...] = ()
    items: bool = False
    problem: bool = False
    result: bool = False
    uploads: bool = False

    @property
    def retry_input(self) -> bool:
        """Corrected input has any form, so all of it is private where any of the first input is."""
        return bool(self.input) or self.items

    @property
    def files(self) -> bool:
        return self.result or self.uploads


@lru_cache(maxsize=4096)
def marked(private: tuple[str, ...]) -> Marked:
    """Paths of `JobType.private`; each of them is allowed."""
    names = {path.partition(".")[0].removesuffix("s") for path in private}
    return Marked(
        title="title" in names,
        input=_below("input", private),
        settings=_below("settings", private),
        items="item" in names,
        problem="problem" in names,
        result="result" in names,
        uploads="upload" in names,
    )


def _below(root: str, private: Sequence[str]) -> tuple[Path, ...]:
    """The marked paths below a root, without those that another one covers."""
    paths = {tuple(part for part in path.split(".")[1:] if part != "*") for path in private if _root(path) == root}
    return tuple(sorted(path for path in paths if not any(path[:n] in paths for n in range(len(path)))))


def _root(path: str) -> str:
    return path.partition(".")[0]


def change_at(value: Json, root: str, paths: Sequence[Path], change: Change) -> Json:
    """The value with what stands at the paths changed. A list is gone through; null stays; a path that ends early
    in anything else is changed there, since who marks `input.prompt` surely means a prompt that is all of the input."""
    for path in paths:
        value = _change(value, root, path, change)
    return value


def _change(value: Json, at: str, path: Path, change: Change) -> Json:
    if value is None:
        return None
    if path and isinstance(value, dict):
        name, rest = path[0], path[1:]
        return {k: _change(v, f"{at}.{name}", rest, change) if k == name else v for k, v in value.items()}
    if path and isinstance(value, list):
        return [_change(each, at, path, change) for each in value]
    return change(".".join([at, *path]), value)


def is_marker(value: Json) -> bool:
    return isinstance(value, str) and value.startswith(PREFIX)
