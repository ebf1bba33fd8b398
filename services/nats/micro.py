"""The micro service `tidings`: the calls of HTTP as requests over NATS, found and measured with the `nats` tooling.

Each request is a task of its own, so a claim that waits holds up nobody; several processes share the requests.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import partial

import msgspec
import structlog
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error
from nats.micro import add_service
from nats.micro.request import ERROR_CODE_HEADER, ERROR_HEADER, Request
from nats.micro.service import EndpointStats, Service

from eventstore import postgres
from schemas import requests, subjects
from schemas.problems import Problem, Rejection
from services.front import jobs, work
from services.front.asked import Parts, Reply
from services.front.bodies import in_range, too_large
from services.front.problems import MEDIA_TYPE, Refused, not_found, problem_body
from services.jobs.handler import Unavailable
from services.nats.asked import NatsAsked
from services.nats.named import NotMade, named_job, plain
from services.work.waiting import WAITING_MAX

log = structlog.get_logger()

NAME = "tidings"
JSON = "application/json"
AT_ONCE_MAX = 1024  # requests of one endpoint in one process, but for claims, which mostly wait
AWAY_S = 2  # what we say to a caller while the database is away
HEADERS_BYTES = 4096  # of an answer, at most: what is left of a message is the body's

AWAY = (Unavailable, *postgres.AWAY)

_encoder = msgspec.json.Encoder()


class Requested(NatsAsked):
    """A request; its answer must fit in one message."""

    __slots__ = ("_room",)

    def __init__(self, parts: Parts, msg: Msg, room: int) -> None:
        super().__init__(parts, msg)
        self._room = room

    @property
    def answer_max_bytes(self) -> int:
        return self._room

    def fitted(self, reply: Reply) -> "Answer":
        """Raises Refused (413) where the answer is too large to be sent."""
        body = b"" if reply.body is None else _encoder.encode(reply.body)
        if len(body) > self._room:
            raise too_large("answer", self._room)
        now = formatdate(usegmt=True)  # as HTTP has it: a worker counts its leases by our clock, its own may be wrong
        return Answer(body, {"Status": str(reply.status), "Content-Type": JSON, "Date": now, **reply.headers})


class Answer(Struct, frozen=True):
    """A message back."""

    body: bytes
    headers: dict[str, str]


async def _get(asked: Requested) -> Reply:
    body = await asked.body(requests.Get)
    return await jobs.get(asked, body.job, in_range(body.at, "/at"))


async def _cancel(asked: Requested) -> Reply:
    body = await asked.body(requests.NamedCancel)
    return await jobs.cancel(asked, await _known(asked, body), plain(requests.Cancel, body))


async def _retry(asked: Requested) -> Reply:
    body = await asked.body(requests.NamedRetry)
    return await jobs.retry(asked, await _known(asked, body), plain(requests.Retry, body))


async def _known(asked: Requested, body: requests.NamedCancel | requests.NamedRetry) -> str:
    """On a request the named job stands where HTTP has its path: unknown is 404."""
    try:
        return await jobs.known_job(asked, await named_job(asked, body))
    except NotMade as error:
        raise not_found(error.command_id) from None


HANDLERS: dict[str, Callable[[Requested], Awaitable[Reply]]] = {
    "submit": jobs.submit,
    "find": jobs.find,
    "get": _get,
    "cancel": _cancel,
    "retry": _retry,
    "claim": work.claim,
    "report": work.report_all,
    "heartbeat": work.heartbeat_all,
}


class Served(Struct):
    """What one endpoint has answered. The library's own counts end where a request becomes a task."""

    tasks: set[asyncio.Task[None]] = msgspec.field(default_factory=set)
    errors: int = 0
    last_error: str | None = None
    answered: int = 0
    nanoseconds: int = 0

    def tell(self, stats: EndpointStats) -> None:
        stats.num_errors, stats.last_error = self.errors, self.last_error
        stats.processing_time = self.nanoseconds
        stats.average_processing_time = self.nanoseconds // max(1, self.answered)


class Micro:
    """The service in one process."""

    def __init__(self, client: Client, parts: Parts, version: str) -> None:
        self._client = client
        self._parts = parts
        self._version = version
        self._served = {verb: Served() for verb in subjects.API_VERBS}
        self._service: Service | None = None

    async def start(self) -> None:
        self._service = await add_service(
            self._client,
            name=NAME,
            version=self._version,
            description="Long jobs that tell the truth: submit, follow and run them.",
            stats_handler=lambda stats: self._served[stats.name].tell(stats),
        )
        for verb in subjects.API_VERBS:
            await self._service.add_endpoint(
                name=verb, subject=subjects.api("*", verb), handler=partial(self._take, verb)
            )
        await self._client.flush()

    async def stop(self) -> None:
        """Take no more, and answer what is here."""
        if self._service:
            await self._service.stop()
        await asyncio.gather(*(task for served in self._served.values() for task in served.tasks))
        await self._client.flush()

    async def _take(self, verb: str, request: Request) -> None:
        served = self._served[verb]
        most = WAITING_MAX if verb == "claim" else AT_ONCE_MAX
        if len(served.tasks) >= most:
            await self._refuse(served, request, Rejection(Problem.BUSY, {"limit": most, "seconds": 1}), "en")
            return
        task = asyncio.create_task(self._serve(verb, request))
        served.tasks.add(task)
        task.add_done_callback(served.tasks.discard)

    async def _serve(self, verb: str, request: Request) -> None:
        served, began = self._served[verb], time.perf_counter_ns()
        msg = request._msg  # noqa: SLF001 - what the library's request is made of
        asked = Requested(self._parts, msg, self._client.max_payload - HEADERS_BYTES)
        try:
            answer = await self._answer(verb, asked)
            if isinstance(answer, Rejection):
                await self._refuse(served, request, answer, asked.language)
            else:
                await request.respond(answer.body, answer.headers)
        except (Error, OSError, ValueError) as error:  # the last: nobody asked for an answer
            log.warning("an answer could not be sent", verb=verb, error=repr(error))
        served.answered += 1
        served.nanoseconds += time.perf_counter_ns() - began

    async def _answer(self, verb: str, asked: Requested) -> Answer | Rejection:
        try:
            asked.check_tenant()
            return asked.fitted(await HANDLERS[verb](asked))
        except Refused as refusal:
            return refusal.rejection
        except AWAY as error:
            log.warning("the database is away", verb=verb, error=repr(error))
            return Rejection(Problem.UNAVAILABLE, {"seconds": AWAY_S})
        except Exception:
            log.exception("request failed", verb=verb)
            return Rejection(Problem.BROKEN)

    async def _refuse(self, served: Served, request: Request, rejection: Rejection, language: str) -> None:
        problem = problem_body(rejection, language)
        served.errors += 1
        served.last_error = f"{problem.status}:{rejection.problem.code}"
        headers = {
            "Status": str(problem.status),
            "Content-Type": MEDIA_TYPE,
            "Content-Language": language,
            ERROR_CODE_HEADER: str(problem.status),
            ERROR_HEADER: problem.title,
        }
        await request.respond(_encoder.encode(problem), headers)
