"""What a person can do with a job now, the most useful first, each with its warning where it could do harm."""

from collections.abc import Callable
from typing import NamedTuple

from projections.items import can_retry_failed
from projections.status.words import Script, failed_items, message, ready_noun, unit
from schemas.job import Job
from schemas.private import REMOVED
from schemas.states import BLOCKED, ENDED, HELD, RETRYABLE, WAITING, Phase
from schemas.views import Action, Arg, Message

Sign = Callable[[str], str]  # a path of ours to a link that works by itself for a while

SAFE = "safe"
READY = frozenset({Phase.DONE, Phase.PARTLY_DONE})
_CANCELABLE = (WAITING | HELD | BLOCKED | {Phase.REQUESTED}) - {Phase.CANCELING}


class Offer(NamedTuple):
    """An action before it is put into words."""

    name: str
    label: Message
    href: str
    method: str = "POST"
    warning: Message | None = None
    asks: bool = False  # refused until it is confirmed


def result_path(job: Job) -> str:
    return f"/v1/jobs/{job.id}/result"


def has_result(job: Job) -> bool:
    """Whether a result can be opened. A retry of what failed keeps what is ready, whatever becomes of the retry."""
    return job.result is not None and (job.phase in READY or job.run > 1)


def risk_args(job: Job, language: str) -> dict[str, Arg]:
    return {"safety": job.definition.retry.safety, "ready_noun": ready_noun(job, 2, language)}


def actions(job: Job, script: Script, sign: Sign) -> list[Action]:
    offers = [*_downloads(job, script.language, sign), *_retries(job, script.language), *_ends(job, script.language)]
    return [
        Action(
            offer.name,
            script.say(f"/actions/{n}/label", offer.label),
            offer.method,
            offer.href,
            script.say(f"/actions/{n}/warning", offer.warning) if offer.warning else None,
            offer.asks,
        )
        for n, offer in enumerate(offers)
    ]


def _failed_args(job: Job, language: str) -> dict[str, Arg]:
    failed = failed_items(job)
    return {"failed": failed, "unit": unit(job, failed, language)}


def _downloads(job: Job, language: str, sign: Sign) -> list[Offer]:
    offers: list[Offer] = []
    if has_result(job) and job.result is not None:
        inline = not (job.result.upload or job.result.href)
        label = message("action-open") if inline else message("action-download")
        offers.append(Offer("download", label, sign(result_path(job)), "GET"))
    if failed_items(job):
        label = message("action-download_problems", **_failed_args(job, language))
        offers.append(Offer("download_problems", label, sign(f"/v1/jobs/{job.id}/problems"), "GET"))
    return offers


def _retries(job: Job, language: str) -> list[Offer]:
    if job.phase not in RETRYABLE or job.veil == REMOVED:
        return []
    rule, path = job.definition.retry, f"/v1/jobs/{job.id}/retry"
    unsafe = rule.safety != SAFE
    risk = risk_args(job, language)
    offers: list[Offer] = []
    if can_retry_failed(job):
        failed = _failed_args(job, language)
        warning = message("warning-failed", **failed, **risk) if unsafe else None
        offers.append(Offer("retry_failed", message("action-retry_failed", **failed), path, "POST", warning, unsafe))
    if job.phase is not Phase.PARTLY_DONE or not offers:  # what is ready there is not done a second time
        alone = message("action-retry" if unsafe else "action-retry_safely")
        label = message("action-retry_all", mode=rule.mode, safety=rule.safety) if offers else alone
        warning = message("warning-all", mode=rule.mode, **risk) if unsafe else None
        offers.append(Offer("retry", label, path, "POST", warning, unsafe))
    return offers


def _ends(job: Job, language: str) -> list[Offer]:
    if job.phase in _CANCELABLE:
        return [Offer("cancel", message("action-cancel"), f"/v1/jobs/{job.id}/cancel")]
    if job.phase in ENDED:
        unsafe = job.definition.retry.safety != SAFE
        warning = message("warning-again", **risk_args(job, language)) if unsafe else None
        return [Offer("again", message("action-again"), "/v1/jobs", "POST", warning)]
    return []
