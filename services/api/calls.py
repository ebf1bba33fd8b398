"""One call of the API: its place in the contract (`Call`), and one request on its way through it (`Asked`).

`serve` keeps the order of checks: 401 · 403, then the call's own 404 · 413 · 422 · 409. All refusals end here.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from eventstore.postgres import AWAY
from schemas.ids import is_uuid
from schemas.messages import negotiate
from schemas.problems import Fault, Problem, Rejection
from services.api.auth import check_scope, header
from services.api.parts import Parts
from services.api.problems import problem_response
from services.front import asked
from services.front.asked import Caller, Reply
from services.front.bodies import invalid, too_large
from services.front.problems import Refused, not_found
from services.jobs.handler import Unavailable

log = structlog.get_logger()

JSON = "application/json"
AWAY_S = 2  # what we say to a caller while the database is away
PARAMETER_MAX_CHARS = 500

_encoder = msgspec.json.Encoder()


class Query(Struct, frozen=True):
    """A parameter in the address, as OpenAPI tells of it."""

    name: str
    what: str
    schema: dict[str, object] = msgspec.field(default_factory=lambda: {"type": "string"})
    required: bool = False


class Asked(asked.Asked):
    """One request, after its caller is known."""

    __slots__ = ("linked", "request")

    parts: Parts

    def __init__(self, parts: Parts, request: Request, caller: Caller, language: str, *, linked: bool) -> None:
        super().__init__(parts, caller, language)
        self.request = request
        self.linked = linked

    def id(self, name: str = "id") -> str:
        """An id in the path. What can't be one names nothing: 404."""
        found: str = self.request.path_params[name]
        if not is_uuid(found):
            raise not_found(found)
        return found

    def header(self, name: str) -> str | None:
        """Header bytes come as Latin-1; names are sent in UTF-8."""
        found = header(self.request, name)
        try:
            return found and found.encode("latin-1").decode()
        except UnicodeError:
            return found

    async def raw(self, limit: int | None = None) -> bytes:
        """Refused before it is read where it says its size, else as soon as it passes the limit."""
        limit = limit or self.parts.settings.json_body_max_bytes
        told = header(self.request, "content-length") or "0"
        if told.isdecimal() and int(told) > limit:
            raise too_large("body", limit)
        chunks, size = [], 0
        async for chunk in self.request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise too_large("body", limit)
        return b"".join(chunks)

    @asynccontextmanager
    async def gone(self) -> AsyncIterator[asyncio.Future[None]]:
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        listening = asyncio.create_task(_hang_up(self.request, gone))
        try:
            yield gone
        finally:
            listening.cancel()

    def parameter(self, name: str) -> str | None:
        """A parameter of the address, None where it is missing or empty."""
        # Most addresses have none: nothing is parsed for them.
        value = self.request.query_params.get(name) if self.request.scope["query_string"] else None
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


Handler = Callable[[Asked], Awaitable[Response | Reply]]


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
    owned: bool = False  # keeps to one owner's jobs, so it is open to a pass (services/api/passes.py)
    hot: bool = False  # comes by the thousand, so it is answered in front of FastAPI (services/api/table.py)
    writes: bool = False  # takes the optional headers of a write and answers with Tidings-Position


async def serve(call: Call, parts: Parts, request: Request) -> Response:
    """One request from key to answer."""
    began = time.perf_counter()
    response = await _answer(call, parts, request)
    parts.metrics.answered(call.method, call.path, response.status_code, time.perf_counter() - began)
    return response


async def _answer(call: Call, parts: Parts, request: Request) -> Response:
    language = negotiate(header(request, "accept-language"))
    try:
        linked = call.linked and "sig" in request.query_params and not header(request, "authorization")
        caller = parts.links.caller(request) if linked else await parts.keys.caller(request)
        check_scope(caller, call.scopes, owned=call.owned)
        reply = await call.handler(Asked(parts, request, caller, language, linked=linked))
        return reply if isinstance(reply, Response) else _respond(reply)
    except Refused as refusal:
        return problem_response(refusal.rejection, language)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except (Unavailable, *AWAY) as error:
        log.warning("the database is away", call=f"{call.method} {call.path}", error=repr(error))
        return problem_response(Rejection(Problem.UNAVAILABLE, {"seconds": AWAY_S}), language)
    except Exception:
        # A bug of ours: the caller is told so in the same form as everything else, the log has the rest.
        log.exception("call failed", call=f"{call.method} {call.path}")
        return problem_response(Rejection(Problem.BROKEN), language)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON, encoded once."""
    return Response(_encoder.encode(body), status, dict(headers) if headers else None, JSON)


def _respond(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status_code=reply.status, headers=dict(reply.headers))
    return answer(reply.body, reply.status, reply.headers)
