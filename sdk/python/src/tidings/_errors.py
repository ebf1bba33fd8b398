"""Everything that can be raised. Each class says what happened, whether the job still runs, and the next step.

TidingsError
├── Unreachable         no answer came
├── TookTooLong         `wait` ran out of the time you gave it
├── BadAnswer           an answer came that this version can't read
├── NotCarried          the URL that was given can't carry this call
└── Refused             the service said no; `.problem` says why
    ├── NotSignedIn     401
    ├── NotAllowed      403
    ├── NotFound        404
    ├── TooLarge        413
    ├── Invalid         422
    ├── Conflict        409, with the retry's `.plan` where there is one
    │   └── LeaseOutdated
    └── Unavailable     429 and 5xx

Raised by handlers to end their run: NeedsFix · Fail. Raised in sync handlers to stop them: Stopped.
"""

import msgspec

from tidings._views import RetryPlan, View


class Problem(View, frozen=True):
    """An RFC 9457 problem; `next` is the one thing to do about it. Each error has a `pointer` and a `detail`."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    next: str = ""
    errors: tuple[dict[str, str], ...] = ()
    plan: RetryPlan | str | None = None


class TidingsError(Exception):
    """What was asked of the service did not happen. The subclasses say whether the job runs and what to do."""


class Unreachable(TidingsError):
    """No answer came, after all resends. A running job still runs; a write may have arrived.

    Next: call again. The same submit opens the job that is there, it never starts a second one.
    """


class TookTooLong(TidingsError):
    """The time you gave to `wait` is over. The job still runs. Next: wait again, or show the job's page."""


class BadAnswer(TidingsError):
    """The answer has an unknown form; what you asked for may be done. Next: look with `get`; update this package."""


class NotCarried(TidingsError):
    """NATS carries no files and lists, HTTP no durable commands; nothing was sent. Next: give the URL that is named."""


class Refused(TidingsError):
    """The service said no and changed nothing; running jobs still run. Next: do what `problem.next` says."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        said = problem.detail or problem.title or f"Refused with status {problem.status}."
        fields = [f"{error.get('pointer') or 'body'}: {error.get('detail')}" for error in problem.errors]
        super().__init__("\n".join([said, *fields, problem.next]).strip())


class NotSignedIn(Refused):
    """The key is missing, unknown or expired. Running jobs still run. Next: give a valid `api_key`."""


class NotAllowed(Refused):
    """The key is not for this call. Running jobs still run. Next: use a key with the scope that is named."""


class NotFound(Refused):
    """No such job, upload or type, or it is somebody else's; nothing changed. Next: check the id, or `list(q=ref)`."""


class TooLarge(Refused):
    """What you sent is over the limit that is named; no job was started. Next: send less, or use an upload."""


class Invalid(Refused):
    """A field is wrong and no job was started; `problem.errors` points at it. Next: mend it and call again."""


class Conflict(Refused):
    """The job can't do this now, or a retry must be confirmed first; the job is as it was.

    Next: where `plan` is set show it, then retry with `confirm=True, plan=plan`; else look with `get`.
    """

    @property
    def plan(self) -> RetryPlan | None:
        return self.problem.plan if isinstance(self.problem.plan, RetryPlan) else None


class LeaseOutdated(Conflict):
    """The service heard nothing of this attempt for too long; the job goes on elsewhere. Next: stop the work."""


class Unavailable(Refused):
    """The service can't answer now, after all resends. Jobs are kept. Next: call again in a moment."""


NO_ANSWER = (Unreachable, Unavailable)  # what is worth asking again


class NeedsFix(Exception):
    """A person must mend something: the job stops, says what and where, and waits to be retried."""

    def __init__(self, text: str, *, row: int | None = None, column: str | None = None, reason: str | None = None,
                 next: str | None = None) -> None:  # fmt: skip
        super().__init__(text)
        self.body = {"text": text, "row": row, "column": column, "reason": reason, "next": next}


class Fail(Exception):
    """This attempt can't go on; a retryable one is tried again by itself, up to the type's limit.

    `reason` is for the history; a person sees `text`, or the general sentence of the job type.
    """

    def __init__(
        self, reason: str, *, text: str | None = None, retryable: bool = True, next: str | None = None
    ) -> None:
        super().__init__(reason)
        self.body = {"reason": reason, "text": text, "retryable": retryable, "next": next}


class Stopped(Exception):
    """Raised by a sync handler's `ctx` once its run is over. Next: let it pass; nothing more is taken from this run."""


_BY_STATUS: dict[int, type[Refused]] = {401: NotSignedIn, 403: NotAllowed, 404: NotFound, 409: Conflict,
                                        413: TooLarge, 422: Invalid, 429: Unavailable}  # fmt: skip


def refusal(status: int, body: bytes) -> Refused:
    """The error for an answer above 399, also for one of a proxy that knows no problem+json."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        problem = Problem(title=f"The service answered with status {status}.", next="Call again in a moment.")
    return refused(msgspec.structs.replace(problem, status=status))


def refused(problem: Problem) -> Refused:
    if problem.status == 409 and "lease" in problem.type:
        return LeaseOutdated(problem)
    return _BY_STATUS.get(problem.status, Unavailable if problem.status >= 500 else Refused)(problem)
