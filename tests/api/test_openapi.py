"""The API's own document: every call stands in it, and whatever is thrown at a call, it keeps to what is said there."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed
from hypothesis import settings as bounds
from schemathesis import APIOperation
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.api.app import CALLS
from services.api.calls import Call
from services.settings import Settings
from tests.api.client import Api

Operation = APIOperation[Any, Any, Any, Any]  # as schemathesis has it

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 25  # for each call
ENDLESS = {"/v1/stream", "/v1/jobs/{id}/stream"}


@pytest.fixture(scope="module")
def settings(database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nobody waits long for generated calls."""
    return Settings(database_url=database, files_url=tmp_path_factory.mktemp("files").as_uri(), long_poll_max_s=0.05)


async def test_every_call_is_told(api: Api) -> None:
    document = (await api.http.get("/openapi.json", headers={"Authorization": ""})).json()
    told = {(method.upper(), path) for path, calls in document["paths"].items() for method in calls}
    assert told == {(call.method, call.path) for call in CALLS}
    for call in CALLS:
        operation = document["paths"][call.path][call.method.lower()]
        assert operation["summary"]
        assert operation["description"]
        assert ("requestBody" in operation) == (call.body is not None)
        named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        assert named == {step.strip("{}") for step in call.path.split("/") if step.startswith("{")}
        assert {"401", "403", "503"} <= operation["responses"].keys()


async def test_every_reference_leads_somewhere(api: Api) -> None:
    document = (await api.http.get("/openapi.json")).json()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= known


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str):
            yield ref
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.path not in ENDLESS], ids=lambda c: f"{c.method} {c.path}"
)
async def test_calls_keep_to_the_document(api: Api, url: str, call: Call) -> None:
    """Generated calls, half of them for a job that is there."""
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    known = {"id": job, "lease": str(assignment["lease"]), "name": "orders.export"}
    await asyncio.to_thread(_throw, url, str(api.http.headers["authorization"]), call, known)


def _throw(url: str, key: str, call: Call, known: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operation = schema[call.path][call.method]
    count = 0

    @seed(3)
    @bounds(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def one(case: schemathesis.Case[Operation]) -> None:
        nonlocal count
        count += 1
        if count % 2:
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
        case.call_and_validate(headers={"Authorization": key}, checks=CHECKS, timeout=20)

    one()
