"""Whether a process lives, is ready, and what it counts: the pages of every role, open to everybody."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from eventstore.postgres import AWAY, Pool
from schemas.messages import negotiate
from schemas.problems import Problem, Rejection
from services.api.calls import AWAY_S, answer
from services.api.metrics import Metrics
from services.api.problems import problem_response

READY_MAX_S = 2.0

Page = Callable[..., Awaitable[Response]]


def pages(pool: Pool, metrics: Callable[[], Awaitable[Response]]) -> dict[str, Page]:
    """By path."""

    async def healthz(request: Request) -> Response:
        del request
        return answer({"healthy": True})

    async def readyz(request: Request) -> Response:
        try:
            async with asyncio.timeout(READY_MAX_S), pool.acquire() as conn:
                await conn.execute("select 1")
        except AWAY:
            language = negotiate(request.headers.get("accept-language"))
            return problem_response(Rejection(Problem.UNAVAILABLE, {"seconds": AWAY_S}), language)
        return answer({"ready": True})

    async def counted(request: Request) -> Response:
        del request
        return await metrics()

    return {"/healthz": healthz, "/readyz": readyz, "/metrics": counted}


def app(pool: Pool, metrics: Metrics) -> Starlette:
    """All that a process without the API answers."""

    async def counted() -> Response:
        return await metrics.page(pool, streams=0, claims=0)

    return Starlette(routes=[Route(path, page) for path, page in pages(pool, counted).items()])
