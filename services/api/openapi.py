"""OpenAPI, made from the same table as the routes: a call that is not told here can't be called.

Schemas come from the Structs that really decode and encode; FastAPI's own document holds the frame.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from schemas import requests
from schemas.problems import Problem
from services.api.calls import JSON, Call
from services.front.problems import MEDIA_TYPE, ProblemBody
from services.schema_pages import any_json

REF = "#/components/schemas/{name}"
KEY = "key"

Doc = dict[str, object]

_TEXT: Doc = {"type": "string"}
_SSE: Doc = {
    "type": "object",
    "description": "`data` is a JobView",
    "properties": {"event": _TEXT, "id": _TEXT, "data": {**_TEXT, "contentMediaType": JSON}},
}
_WRITE_HEADERS = (
    ("Tidings-Actor", "On whose behalf: `user:ID`, `service:ID` or `worker:ID`"),
    ("Idempotency-Key", "The same key and body again is the same call, for 7 days; quoted or bare"),
    ("traceparent", "W3C trace context"),
)


class Documents:
    """The schemas of all calls, and each call's operation in terms of them."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._kinds = list({kind: None for call in calls for kind in _kinds(call)} | {requests.Submit: None})
        refs, self.components = msgspec.json.schema_components(
            [*self._kinds, ProblemBody], schema_hook=any_json, ref_template=REF
        )
        self._refs: dict[object, Doc] = dict(zip([*self._kinds, ProblemBody], refs, strict=True))
        self._tell_batches()

    def _tell_batches(self) -> None:
        """Items are decoded one by one, so their form is told here."""
        self.components["Batch"]["properties"]["jobs"]["items"] = self._refs[requests.Submit]

    def operation(self, call: Call) -> Doc:
        """What FastAPI can't know of a call."""
        doc: Doc = {"parameters": list(_parameters(call)), "responses": self._responses(call)}
        if call.scopes:
            doc["security"] = [{KEY: []}, {}] if call.linked else [{KEY: []}]
        if call.body is not None:
            doc["requestBody"] = self._request_body(call.body)
        return doc

    def _request_body(self, body: type | str) -> Doc:
        if isinstance(body, str):
            return {"required": True, "content": {body: {"schema": {"type": "string", "format": "binary"}}}}
        needed = any(field.required for field in msgspec.structs.fields(body))
        return {"required": needed, "content": {JSON: {"schema": self._refs[body]}}}

    def _responses(self, call: Call) -> Doc:
        found: Doc = {str(status): self._answer(call, status, kind) for status, kind in call.answers.items()}
        for status, codes in _problems(call).items():
            found[str(status)] = {
                "description": " · ".join(codes),
                "content": {MEDIA_TYPE: {"schema": self._refs[ProblemBody]}},
            }
        return found

    def _answer(self, call: Call, status: int, kind: object) -> Doc:
        doc: Doc = {"description": HTTPStatus(status).phrase}
        content = dict(self._content(each) for each in (kind if isinstance(kind, tuple) else (kind,)) if each)
        headers = _headers(call, status)
        return {**doc, **({"content": content} if content else {}), **({"headers": headers} if headers else {})}

    def _content(self, kind: object) -> tuple[str, Doc]:
        """A body's media type and schema; a file is of any type."""
        match kind:
            case "application/octet-stream":
                return "*/*", {"schema": {}}
            case "text/event-stream":
                return kind, {"schema": _SSE}
            case str():
                return kind, {"schema": _TEXT}
            case _:
                return JSON, {"schema": self._refs[kind]}


def _kinds(call: Call) -> Iterable[type]:
    if isinstance(call.body, type):
        yield call.body
    for kinds in call.answers.values():
        yield from (kind for kind in (kinds if isinstance(kinds, tuple) else (kinds,)) if isinstance(kind, type))


def _parameters(call: Call) -> Iterable[Doc]:
    for step in call.path.split("/"):
        if step.startswith("{"):
            schema: Doc = {**_TEXT, "format": "uuid"} if step == "{id}" else _TEXT
            yield {"name": step.strip("{}"), "in": "path", "required": True, "schema": schema}
    for query in call.query:
        yield {
            "name": query.name,
            "in": "query",
            "required": query.required,
            "description": query.what,
            "schema": query.schema,
        }
    for name, what in _WRITE_HEADERS if call.writes else ():
        yield {"name": name, "in": "header", "required": False, "description": what, "schema": _TEXT}


def _problems(call: Call) -> dict[int, list[str]]:
    problems = [*call.refuses, Problem.BROKEN, Problem.UNAVAILABLE]
    if call.writes:
        problems.append(Problem.BUSY)
        problems.append(Problem.INVALID)
    if call.scopes:
        problems += [Problem.UNAUTHORIZED, Problem.FORBIDDEN]
    if "{" in call.path:
        problems.append(Problem.NOT_FOUND)
    found: dict[int, list[str]] = defaultdict(list)
    for problem in sorted(set(problems), key=lambda problem: (problem.status, problem.code)):
        found[problem.status].append(problem.code)
    return found


def _headers(call: Call, status: int) -> Doc:
    headers: Doc = {}
    if call.writes:
        headers["Tidings-Position"] = {"description": "partition:position of the write", "schema": _TEXT}
    if status == HTTPStatus.CREATED:
        headers["Location"] = {"description": "Where it is read", "schema": _TEXT}
    return headers


def document(app: FastAPI, documents: Documents) -> Doc:
    """The whole document, made once."""
    found: Doc = get_openapi(
        title="Tidings",
        version=app.version,
        description="Long jobs that tell the truth.",
        routes=app.routes,
    )
    found["components"] = {
        "schemas": documents.components,
        "securitySchemes": {KEY: {"type": "http", "scheme": "bearer"}},
    }
    return found
