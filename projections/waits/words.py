"""A prediction in words, and which of two predictions a screen goes on showing."""

from datetime import datetime
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from projections.status.words import Script, message
from projections.waits.moment import Moment, Reason
from projections.waits.predict import Prediction
from projections.waits.promise import Stated
from projections.waits.steps import STEPS
from schemas.envelope import time_text
from schemas.job import Job
from schemas.messages import say
from schemas.states import BLOCKED, ENDED, HELD
from schemas.views import Arg, Message, MomentView, Range, Wait, Waiting

CACHED = 4096  # predictions in words
STEPS_KEPT = 1  # a shown end stays while the new one is at most so many steps away
_UNITS = ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


def wait_view(job: Job, found: Prediction, script: Script, as_of: datetime) -> Wait:
    """The view's `wait`, each part with its text; `text` says what matters now."""
    known = _in_words(found, job.phase in HELD, job.size is not None, _outside(job), script.language)
    script.messages.update(known.messages)
    return Wait(known.queue, known.work, known.total, known.reliable, known.text, time_text(as_of))


class _Words(Struct, frozen=True):
    """A `Wait` without its moment, and the messages behind its texts."""

    queue: Range | None
    work: Range | None
    total: Range | None
    reliable: bool
    text: str
    messages: dict[str, Message]


@lru_cache(maxsize=CACHED)  # a third of a view's rendering; like jobs are told the same
def _in_words(found: Prediction, works: bool, sized: bool, outside: str | None, language: str) -> _Words:
    """`works`: a worker has it; `sized`: its size is known; `outside`: what is said where no time runs."""
    script = Script(language)
    note = "longer" if found.longer else "slower" if found.slower else "none"
    queue_line = None if works else queue_message(found.queue, note)
    work_line = work_message(found, note if works else "none", sized=sized)
    total_line = _filled("total", found.total, {}) if found.total else None
    text = work_line if works else queue_line if found.queue else work_line
    return _Words(
        queue=_range(script, "/wait/queue/text", found.queue, queue_line),
        work=_range(script, "/wait/work/text", found.work, work_line),
        total=_range(script, "/wait/total/text", found.total, total_line),
        reliable=bool(found.work if works else found.queue or found.work),
        text=script.say("/wait/text", (message(outside) if outside else text) or message("wait-none")),
        messages=script.messages,
    )


def moment_view(job: Job, now: Moment, language: str, as_of: datetime) -> MomentView:
    """What a screen that shows this version of the job is told anew."""
    wait = wait_view(job, now.found, Script(language), as_of)
    return MomentView(job.id, job.version, wait.as_of, wait, waiting_view(now.reason, language))


def waiting_view(reason: Reason | None, language: str) -> Waiting | None:
    """The view's `waiting`: why, and how many jobs are before this one.

    Its message is not among the view's: those are kept with the view, this is true for a moment. Reason and count say
    it all.
    """
    if reason is None:
        return None
    args: dict[str, Arg] = {} if reason.ahead is None else {"ahead": reason.ahead, "about": reason.about}
    since = time_text(reason.since) if reason.since else None
    return Waiting(reason.name, say(language, f"waiting-{reason.message}", args), reason.ahead, since)


def queue_message(stated: Stated | None, note: str) -> Message:
    return _filled("queue", stated, {"note": note}) if stated else message("wait-queue-none", note=note)


def work_message(found: Prediction, note: str, *, sized: bool) -> Message | None:
    stated = found.work
    if found.overdue:
        return message("wait-overdue", note=note, **_high(stated)) if stated else message("wait-overdue-none")
    return _filled("work", stated, {"note": note, "sized": "yes" if sized else "no"}) if stated else None


def steady(shown: Prediction, fresh: Prediction) -> Prediction:
    """What a screen shows next: parts that moved by one step alone stay as they are, so that nothing flickers."""
    if shown.overdue != fresh.overdue:
        return fresh
    return replace(
        fresh,
        queue=_kept(shown.queue, fresh.queue),
        work=_kept(shown.work, fresh.work),
        total=_kept(shown.total, fresh.total),
    )


def _kept(shown: Stated | None, fresh: Stated | None) -> Stated | None:
    if shown is None or fresh is None or (shown.low is None) != (fresh.low is None):
        return fresh
    near = _steps_apart(shown.high, fresh.high) <= STEPS_KEPT
    if shown.low is not None and fresh.low is not None:
        near = near and _steps_apart(shown.low, fresh.low) <= STEPS_KEPT
    return shown if near else fresh


def _steps_apart(one: int, other: int) -> int:
    return abs(STEPS.index(one) - STEPS.index(other))


def _outside(job: Job) -> str | None:
    """The message of a job for which no time runs."""
    if job.phase in ENDED:
        return "wait-ended"
    return "wait-blocked" if job.phase in BLOCKED else None


_MESSAGES = {
    "queue": ("wait-queue-range", "wait-queue-bound"),
    "work": ("wait-work-range", "wait-work-bound"),
    "total": ("wait-total-range", "wait-total-bound"),
}


def _filled(part: str, stated: Stated, args: dict[str, Arg]) -> Message:
    ranged, bound = _MESSAGES[part]
    high = _high(stated)
    if stated.low is None:
        return message(bound, **args, **high)
    low, unit = _said(stated.low)
    return message(ranged, **args, **high, low=low, low_unit="same" if unit == high["high_unit"] else unit)


def _high(stated: Stated | None) -> dict[str, Arg]:
    count, unit = _said(stated.high if stated else 0)
    return {"high": count, "high_unit": unit}


def _said(seconds: int) -> tuple[int, str]:
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size or size == 1)
    return seconds // size, unit


def _range(script: Script, pointer: str, stated: Stated | None, line: Message | None) -> Range | None:
    if stated is None or line is None:
        return None
    low = None if stated.low is None else float(stated.low)
    return Range(low, float(stated.high), script.say(pointer, line))
