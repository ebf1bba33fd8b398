"""Refusals as HTTP answers."""

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from schemas.problems import Rejection
from services.front.problems import MEDIA_TYPE, problem_body


def problem_response(rejection: Rejection, language: str, headers: Mapping[str, str] | None = None) -> Response:
    status = rejection.problem.status
    more = dict(headers or {})
    if status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if status == 503:
        more.setdefault("Retry-After", str(rejection.args.get("seconds", 1)))
    body = msgspec.json.encode(problem_body(rejection, language))
    return Response(body, status, {"Content-Language": language, **more}, MEDIA_TYPE)
