"""One call of the API: its place in the contract (`Call`), and one request on its way through it (`Asked`).

`serve` keeps the order of checks: 401 · 403, then the call's own 404 · 413 · 422 · 409. All refusals end here.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import structlog
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from eventstore.postgres import AWAY
from projections.status.view import render
from schemas.commands import IdempotencyKey, Outcome
from schemas.envelope import Cause
from schemas.ids import is_uuid
from schemas.job import Job
from schemas.messages import negotiate
from schemas.problems import Fault, Problem, Rejection
from schemas.requests import Body
from schemas.views import JobView
from services.api.auth import Caller, cause_of, check_scope
from services.api.bodies import decode, invalid, read_body
from services.api.keyed import body_digest, idempotency_key
from services.api.parts import Parts
from services.api.problems import Refused, problem_response, refused
from services.jobs.handler import Unavailable

log = structlog.get_logger()

B = TypeVar("B", bound=Body)
JSON = "application/json"
AWAY_S = 2  # what we say to a caller while the database is away
PARAMETER_MAX_CHARS = 500

_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[object]] = {}


class Query(Struct, frozen=True):
    """A parameter in the address, as OpenAPI tells of it."""

    name: str
    what: str
    schema: dict[str, object] = msgspec.field(default_factory=lambda: {"type": "string"})
    required: bool = False


class Asked:
    """One request, after its caller is known."""

    __slots__ = ("caller", "language", "linked", "parts", "request")

    def __init__(self, parts: Parts, request: Request, caller: Caller, language: str, *, linked: bool) -> None:
        self.parts = parts
        self.request = request
        self.caller = caller
        self.language = language
        self.linked = linked

    @property
    def tenant(self) -> str:
        return self.caller.tenant

    @property
    def partition(self) -> int:
        return self.parts.partition(self.caller.tenant)

    def id(self, name: str = "id") -> str:
        """An id in the path. What can't be one names nothing: 404."""
        found: str = self.request.path_params[name]
        if not is_uuid(found):
            raise not_found(found)
        return found

    async def raw(self, limit: int | None = None) -> bytes:
        return await read_body(self.request, limit or self.parts.settings.json_body_max_bytes)

    async def body(self, kind: type[B], limit: int | None = None) -> B:
        return read_as(await self.raw(limit), kind)

    def view(self, job: Job, at: datetime) -> JobView:
        """The job in the caller's language, its downloads as plain links."""
        return render(job, self.language, sign=partial(self.parts.links.sign, self.tenant), as_of=at)

    @asynccontextmanager
    async def gone(self) -> AsyncIterator[asyncio.Future[None]]:
        """Done when the caller hangs up. Enter it once the body is read."""
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        listening = asyncio.create_task(_hang_up(self.request, gone))
        try:
            yield gone
        finally:
            listening.cancel()

    def cause(self) -> Cause:
        return cause_of(self.request, self.caller)

    def key(self, call: str, body: Body, uploads: Mapping[str, str] | None = None) -> IdempotencyKey | None:
        """The caller's Idempotency-Key, bound to this call and body."""
        named = idempotency_key(self.request)
        return None if named is None else IdempotencyKey(call, named, body_digest(body, uploads or {}))

    def parameter(self, name: str) -> str | None:
        """A parameter of the address, None where it is missing or empty."""
        value = self.request.query_params.get(name)
        if value and "\0" in value:
            raise invalid(Fault(name, "must not contain the NUL character"))
        if value and len(value) > PARAMETER_MAX_CHARS:
            raise invalid(Fault(name, f"must have at most {PARAMETER_MAX_CHARS} characters"))
        return value or None

    def one_of(self, name: str, known: Sequence[str]) -> str | None:
        value = self.parameter(name)
        if value is not None and value not in known:
            raise invalid(Fault(name, f"must be one of {', '.join(known)}"))
        return value

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number in the address, in its bounds. NaN is in none."""
        value = self.parameter(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:
            raise invalid(Fault(name, f"must be a number from {least:g} to {most:g}"))
        return number

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        value = self.parameter(name)
        if value is not None and (re.fullmatch(r"-?[0-9]{1,18}", value) is None or not least <= int(value) <= most):
            raise invalid(Fault(name, f"must be a whole number from {least} to {most}"))
        return default if value is None else int(value)

    def moment(self, name: str) -> datetime | None:
        """A time in the address, with its zone. A `+` that came as a space is read as meant."""
        value = self.parameter(name)
        if value is None:
            return None
        try:
            found = msgspec.convert(re.sub(r" (?=\d\d:?\d\d$)", "+", value), datetime)
        except msgspec.ValidationError:
            raise invalid(Fault(name, "must be a time such as 2026-11-24T09:30:00Z")) from None
        if found.tzinfo is None:
            raise invalid(Fault(name, "must say its time zone, such as Z"))
        return found


async def _hang_up(request: Request, gone: asyncio.Future[None]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    if not gone.done():
        gone.set_result(None)


Handler = Callable[[Asked], Awaitable[Response]]


class Call(Struct, frozen=True, kw_only=True):
    """A row of the contract. `scopes`: any of them suffices. `linked`: a signed link does without a key."""

    method: str
    path: str
    handler: Handler
    scopes: tuple[str, ...]
    summary: str
    answers: dict[int, object]  # status to the type of its body, a media type, several of them, or None for no body
    body: type | str | None = None  # a Struct, or a media type that is taken as it comes
    query: tuple[Query, ...] = ()
    refuses: tuple[Problem, ...] = ()  # beyond what every call may answer
    linked: bool = False
    writes: bool = False  # takes the optional headers of a write and answers with Tidings-Position


async def serve(call: Call, parts: Parts, request: Request) -> Response:
    """One request from key to answer."""
    began = time.perf_counter()
    response = await _answer(call, parts, request)
    parts.metrics.answered(call.method, call.path, response.status_code, time.perf_counter() - began)
    return response


async def _answer(call: Call, parts: Parts, request: Request) -> Response:
    language = negotiate(request.headers.get("accept-language"))
    try:
        linked = call.linked and "sig" in request.query_params and not request.headers.get("authorization")
        caller = parts.links.caller(request) if linked else await parts.keys.caller(request)
        check_scope(caller, call.scopes)
        return await call.handler(Asked(parts, request, caller, language, linked=linked))
    except Refused as refusal:
        return problem_response(refusal.rejection, language, refusal.headers)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except (Unavailable, *AWAY) as error:
        log.warning("the database is away", call=f"{call.method} {call.path}", error=repr(error))
        return problem_response(Rejection(Problem.UNAVAILABLE, {"seconds": AWAY_S}), language)


def read_as(raw: bytes, kind: type[B]) -> B:
    """A body in its form, by a decoder that is made once for each form."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    body = decode(raw, kind, decoder)
    assert isinstance(body, kind)  # noqa: S101 - the decoder's promise, said to the type checker
    return body


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, encoded once."""
    return Response(_encoder.encode(body), status, dict(headers) if headers else None, JSON)


def position(outcome: Outcome) -> dict[str, str]:
    """Where the write stands in the log."""
    return {"Tidings-Position": f"{outcome.partition}:{outcome.position}"}


def not_found(name: str) -> Refused:
    return refused(Problem.NOT_FOUND, name=name[:200])


def accepted(outcome: Outcome | Rejection) -> Outcome:
    """The outcome, or the refusal raised."""
    if isinstance(outcome, Rejection):
        raise Refused(outcome)
    return outcome
