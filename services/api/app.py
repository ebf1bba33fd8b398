"""The ASGI app: the table of calls as routes, and the few pages that need no key."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from eventstore.audit.checkpoints import Makers
from eventstore.postgres import Pool
from eventstore.relay import Report
from eventstore.secrets import secret
from eventstore.tail import Tail
from projections.shadow import Shadow
from projections.status.lookup import Lookup
from schemas.messages import negotiate
from schemas.problems import Problem, Rejection
from services.api import (
    audit,
    erasing,
    health,
    jobs,
    outcome,
    overview,
    passes,
    reading,
    streams,
    types,
    uploads,
    waits,
    work,
)
from services.api.answers import Answers
from services.api.auditing import Auditing
from services.api.auth import Keys
from services.api.calls import Call, answer, serve
from services.api.links import Links
from services.api.looks import Overviews
from services.api.metrics import Metrics
from services.api.openapi import Documents, document
from services.api.parts import Parts
from services.api.problems import problem_response
from services.api.screens import Screens
from services.api.table import Table
from services.demo.page import add_demo
from services.files import Files
from services.front.passes import Passes
from services.jobs.service import JobService
from services.nats import asyncapi
from services.private.vault import Vault
from services.settings import Settings
from services.waits.waits import Waits
from services.web.static import add_web
from services.work.tokens import LeaseTokens
from services.work.waiting import WaitingClaims

PREFLIGHT_S = 600  # a browser asks again after it
VERSION = "0.1.0"

CALLS: tuple[Call, ...] = (
    *jobs.CALLS,
    *reading.CALLS,
    *outcome.CALLS,
    *streams.CALLS,
    *uploads.CALLS,
    *work.CALLS,
    *types.CALLS,
    *audit.CALLS,
    *erasing.CALLS,
    *passes.CALLS,
    *overview.CALLS,
    *waits.CALLS,
)


class Engine(Protocol):
    """What the app stands on; `services/server.py` has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def tails(self) -> Mapping[int, Tail]: ...
    @property
    def jobs(self) -> JobService: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def shadow(self) -> Shadow | None: ...
    @property
    def checkpoints(self) -> Makers: ...
    @property
    def waits(self) -> Waits: ...
    def relays(self) -> Sequence[Report]: ...


@asynccontextmanager
async def opened(engine: Engine) -> AsyncIterator[Parts]:
    """The parts of a running API: `build` makes the app of them, `close` ends its streams and waits."""
    parts = await _parts(engine)
    stops = [tail.subscribe(parts.metrics.appended) for tail in engine.tails.values()]
    try:
        yield parts
    finally:
        for stop in (*stops, parts.screens.stop, parts.claims.stop):
            stop()


async def _parts(engine: Engine) -> Parts:
    settings, pool, tails = engine.settings, engine.pool, list(engine.tails.values())
    async with pool.acquire() as conn:
        lease_secret, link_secret = await secret(conn, "lease-tokens"), await secret(conn, "links")
        browsers = Passes(await secret(conn, "passes"))
    links = Links(link_secret, settings.link_ttl_s)
    return Parts(
        settings=settings,
        pool=pool,
        lookup=Lookup(pool),
        jobs=engine.jobs,
        files=Files(settings.files_url),
        keys=Keys(pool, browsers.caller),
        passes=browsers,
        links=links,
        tokens=LeaseTokens(lease_secret),
        sign=links.sign,
        claims=WaitingClaims(engine.jobs, pool, tails, engine.waits.workers, net_s=settings.net_s),
        vault=engine.vault,
        waits=engine.waits,
        screens=Screens(
            pool, engine.jobs, tails, links, engine.vault, engine.waits, watchers_max=settings.sse_streams_max
        ),
        auditing=Auditing(engine.checkpoints, engine.tails),
        metrics=Metrics(engine.relays, lambda: engine.shadow),
        answers=Answers(),
        overviews=Overviews(pool),
    )


def close(parts: Parts) -> None:
    """Before its server goes down: answer all that waits."""
    parts.screens.close()
    parts.auditing.close()
    parts.claims.close()


def build(parts: Parts) -> ASGIApp:
    """Routes and document from the one table of calls; the hot ones never reach FastAPI."""
    app = Table(CALLS, parts, _described(parts))
    origins = parts.settings.allowed_origins
    return _allowed(app, origins.split(",")) if origins else app


def _described(parts: Parts) -> FastAPI:
    app = FastAPI(title="Tidings", version=VERSION, openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    documents = Documents(CALLS)
    for call in CALLS:
        app.add_api_route(
            call.path,
            _endpoint(call, parts),
            methods=[call.method],
            summary=call.summary,
            description=call.handler.__doc__ or call.summary,
            operation_id=f"{call.method.lower()}{call.path.replace('/', '_')}".replace("{", "").replace("}", ""),
            status_code=next(iter(call.answers)),
            response_class=Response,
            openapi_extra=documents.operation(call),
        )
    whole = document(app, documents)
    _add_pages(app, parts, whole)
    add_web(app)
    if parts.settings.demo_page:
        add_demo(app, parts)
    app.add_exception_handler(HTTPException, _no_such_call)
    return app


def _allowed(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Product pages there may load the screens and make every call. No cookies: a pass comes in a header."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT"],
        allow_headers=["*"],
        expose_headers=["ETag", "Location", "Retry-After", "Tidings-Position"],
        max_age=PREFLIGHT_S,
    )


def _endpoint(call: Call, parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await serve(call, parts, request)

    return endpoint


async def _no_such_call(request: Request, error: Exception) -> Response:
    """What no route takes."""
    language = negotiate(request.headers.get("accept-language"))
    if isinstance(error, HTTPException) and error.status_code == 405:
        routes = [route for route in request.app.routes if route.path_regex.match(request.url.path)]
        allowed = ", ".join(sorted({method for route in routes for method in route.methods}))
        rejection = Rejection(Problem.METHOD_NOT_ALLOWED, {"method": request.method, "allowed": allowed})
        return problem_response(rejection, language, {"Allow": allowed})
    return problem_response(Rejection(Problem.NOT_FOUND, {"name": request.url.path[:200]}), language)


def _add_pages(app: FastAPI, parts: Parts, whole: dict[str, object]) -> None:
    """Open to everybody: health, metrics, the document of the API, and where it is."""

    async def metrics() -> Response:
        return await parts.metrics.page(parts.pool, streams=parts.screens.count, claims=parts.claims.count)

    async def openapi() -> Response:
        return answer(whole)

    over_nats = asyncapi.document(VERSION)

    async def asyncapi_() -> Response:
        return answer(over_nats)

    open_pages = {
        **health.pages(parts.pool, metrics),
        "/openapi.json": openapi,
        "/asyncapi.json": asyncapi_,
    }
    for path, page in open_pages.items():
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False, response_class=Response)
