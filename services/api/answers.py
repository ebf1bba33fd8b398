"""The answer to a GET of a job, and what it is known by.

Many look at the same job while it waits. As long as neither the job nor its moment has changed, all get the same bytes
(docs/performance.md says what that saves).
"""

from collections import OrderedDict
from datetime import datetime
from hashlib import blake2b

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from projections.waits.moment import Moment
from schemas.job import Job
from schemas.states import WAITING
from schemas.views import JobView
from services.front.asked import Asked

ANSWERS_MAX = 2_000  # kept in memory, each of two or three kB
FRESH = {"Cache-Control": "private, no-cache"}

_encoder = msgspec.json.Encoder()


class Answer(Struct, frozen=True):
    """`whole` may be sent many times: sending changes nothing of it."""

    etag: str
    headers: dict[str, str]
    whole: Response


class _Kept(Struct, frozen=True):
    version: int
    moment: Moment
    answer: Answer


class Answers:
    """One for a process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()

    async def of(self, asked: Asked, job: Job, at: datetime) -> Answer:
        """The job as it is now, in the caller's language."""
        now = asked.parts.waits.moment(job, at)
        if not _plain(job):
            (job,) = await asked.revealed([job])
            return _answer(asked.rendered(job, at, now), asked.language)
        key = job.id, asked.language
        kept = self._kept.get(key)
        if kept is None or kept.version != job.version or kept.moment is not now:
            kept = self._kept[key] = _Kept(job.version, now, _answer(asked.rendered(job, at, now), asked.language))
            if len(self._kept) > ANSWERS_MAX:
                self._kept.popitem(last=False)
        return kept.answer


def _plain(job: Job) -> bool:
    """Whether it waits for its first start, with neither links that run out nor anything private."""
    return job.phase in WAITING and job.started_at is None and not job.definition.private


def _answer(view: JobView, language: str) -> Answer:
    tag = etag(view, language)
    headers = {"ETag": tag, "Vary": "Accept-Language, Authorization", **FRESH}
    return Answer(tag, headers, Response(_encoder.encode(view), 200, headers, "application/json"))


def etag(view: JobView, language: str) -> str:
    """Covers all but the moment of reading: the version, what the wait says, the language, and the links' minute."""
    wait = replace(view.wait, as_of="")
    links = [action.href for action in view.actions]
    private = view.title, view.result.ready, view.result.name  # may go without a new version, when a person is erased
    moment = _encoder.encode((language, wait, view.waiting, view.result.href, links, private))
    return f'"{view.version}-{blake2b(moment, digest_size=8).hexdigest()}"'
