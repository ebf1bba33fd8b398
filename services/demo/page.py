"""The page `/demo`: a pass for whoever comes, the sample file, and ways to make things really go wrong."""

import asyncio
import os
import secrets
from pathlib import Path

import msgspec
from fastapi import FastAPI
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from projections.status.read import LAST, Filters, list_jobs
from schemas.commands import DefineType
from schemas.envelope import Actor, Cause
from schemas.ids import uuid7
from schemas.jobtypes import JobType
from schemas.messages import negotiate
from schemas.problems import Problem, Rejection
from services.api.parts import Parts
from services.api.problems import problem_response
from services.demo.crew import workers_of
from services.demo.customers import sample_csv
from services.demo.job_types import definitions
from services.web.static import page

TENANT = "default"
PASS_S = 3600.0
VISITOR = "tidings_visitor"
VISITOR_S = 30 * 86_400
WITHOUT_LOGIN = {"Cache-Control": "no-store"}


class Lost(Struct, frozen=True):
    """Whether a process was found that worked on the job, and killed."""

    killed: bool


def add_demo(app: FastAPI, parts: Parts) -> None:
    defined = asyncio.Lock(), set[str]()

    async def visit(request: Request) -> Response:
        async with defined[0]:  # a visitor may come before the first worker has told the types
            await _define(parts, defined[1])
        given = parts.passes.give(TENANT, _known_owner(parts, request) or _new_owner(), PASS_S)
        answer = _json(given)
        # A tab may not see yet what another one has just put into localStorage; the cookie jar is the whole browser's.
        answer.set_cookie(VISITOR, given.token, VISITOR_S, path="/demo", httponly=True, samesite="strict")
        return answer

    async def leave() -> Response:
        answer = Response(status_code=204)
        answer.delete_cookie(VISITOR, path="/demo", httponly=True, samesite="strict")
        return answer

    async def customers(request: Request) -> Response:
        content = sample_csv(with_mistakes=request.query_params.get("mistakes") != "no")
        headers = {"Content-Disposition": 'attachment; filename="customers.csv"'}
        return Response(content, 200, headers, "text/csv; charset=utf-8")

    async def lose_worker(request: Request) -> Response:
        return await _lose_worker(parts, request)

    routes = (
        ("/demo", page("demo/index.html"), "GET"),
        ("/demo/visit", visit, "POST"),
        ("/demo/visit", leave, "DELETE"),
        ("/demo/customers.csv", customers, "GET"),
        ("/demo/lose-worker", lose_worker, "POST"),
    )
    for path, answer, method in routes:
        app.add_api_route(path, answer, methods=[method], include_in_schema=False, response_class=Response)


async def _define(parts: Parts, known: set[str]) -> None:
    for name, definition in definitions().items():
        if name in known:
            continue
        cause = Cause(actor=Actor("service", "demo"), causation_id=uuid7(), traceparent=None)
        job_type = msgspec.convert(definition, JobType)
        await parts.jobs.do(DefineType(tenant=TENANT, cause=cause, key=None, name=name, definition=job_type))
        known.add(name)


def _new_owner() -> str:
    return f"visitor-{secrets.token_hex(5)}"


def _known_owner(parts: Parts, request: Request) -> str | None:
    """Whoever comes back, or in another tab, stays the same person."""
    claims = parts.passes.claims(request.cookies.get(VISITOR, ""))
    return claims.owner if claims and claims.owner.startswith("visitor-") else None


async def _lose_worker(parts: Parts, request: Request) -> Response:
    """`kill -9` for the process that works on one of the visitor's own jobs."""
    caller = parts.passes.caller(request.headers.get("authorization", "").removeprefix("Bearer ").strip())
    if caller is None:
        rejection = Rejection(Problem.UNAUTHORIZED)
        return problem_response(rejection, negotiate(request.headers.get("accept-language")))
    filters = Filters(owner=caller.owner, text=request.query_params.get("ref", "")[:40])
    async with parts.pool.acquire() as conn:
        found, _ = await list_jobs(conn, parts.partition(caller.tenant), caller.tenant, filters, LAST, 1)
    return _json(Lost(found != [] and await asyncio.to_thread(_kill, parts, found[0].ref)))


def _kill(parts: Parts, ref: str) -> bool:
    worker = workers_of(os.getpid(), Path(parts.settings.data or ".") / "logs", ref)
    if worker is None:
        return False
    worker.kill()
    return True


def _json(body: Struct) -> Response:
    return Response(msgspec.json.encode(body), 200, WITHOUT_LOGIN, "application/json")
