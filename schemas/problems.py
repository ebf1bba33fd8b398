"""Every way a request can be refused: code, status and the keys of its words, in one table.

The core refuses with a `Rejection` value; one place (`services/front/problems.py`) makes problem+json of it. The words
are messages `problem-<code>` (title), `problem-<code>-detail` and `problem-<code>-next` of the catalogues.
"""

from enum import Enum

from msgspec import Struct

from schemas.events import Json


class Problem(Enum):
    """code, HTTP status."""

    UNAUTHORIZED = ("unauthorized", 401)
    FORBIDDEN = ("forbidden", 403)
    NOT_FOUND = ("not-found", 404)
    REMOVED = ("removed", 410)
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405)
    TOO_LARGE = ("too-large", 413)
    INVALID = ("invalid", 422)
    UNKNOWN_TYPE = ("unknown-type", 422)
    UNKNOWN_UPLOAD = ("unknown-upload", 422)
    UNKNOWN_JOB = ("unknown-job", 422)
    RESULT_MISSING = ("result-missing", 422)
    KEY_REUSED = ("key-reused", 422)
    LEASE_OUTDATED = ("lease-outdated", 409)
    ALREADY_FINISHED = ("already-finished", 409)
    STILL_RUNNING = ("still-running", 409)
    NOTHING_TO_RETRY = ("nothing-to-retry", 409)
    CONFIRM_FIRST = ("confirm-first", 409)
    PLAN_CHANGED = ("plan-changed", 409)
    NEWER_TWIN = ("newer-twin", 409)
    HISTORY_DAMAGED = ("history-damaged", 409)
    BROKEN = ("broken", 500)
    BUSY = ("busy", 503)
    UNAVAILABLE = ("unavailable", 503)

    @property
    def code(self) -> str:
        return self.value[0]

    @property
    def status(self) -> int:
        return self.value[1]


class Fault(Struct, frozen=True):
    """One wrong field: a JSON pointer into the body (or a parameter's name) and what is wrong with it."""

    pointer: str
    detail: str


class Rejection(Struct, frozen=True):
    """A refusal, as a value. `args` fill the words; `extra` goes into the problem body (`plan`, `job`)."""

    problem: Problem
    args: dict[str, Json] = {}
    faults: tuple[Fault, ...] = ()
    extra: dict[str, Json] = {}
