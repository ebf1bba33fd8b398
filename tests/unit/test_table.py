"""The table of hot calls: it takes exactly what FastAPI would have given to the same call, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from services.api.app import CALLS
from services.api.calls import Call
from services.api.parts import Parts
from services.api.table import Table

HOT = [call for call in CALLS if call.hot]


async def rest(_: Scope, __: Receive, ___: Send) -> None:
    """What stands behind the table."""


@pytest.fixture(scope="module")
def table() -> Table:
    parts: Parts = None  # type: ignore[assignment]  # finding a call needs none
    return Table(CALLS, parts, rest)


def pattern(path: str) -> re.Pattern[str]:
    """As the web framework reads a path: a parameter is one step that is not empty."""
    return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "$")


@pytest.mark.parametrize("call", HOT, ids=lambda call: f"{call.method} {call.path}")
def test_every_hot_call_is_found_by_its_own_path(table: Table, call: Call) -> None:
    path = re.sub(r"\{\w+\}", "0193-x", call.path)
    found = table.find(call.method, path)
    assert found
    assert found[0] is call
    assert list(found[1].values()) == re.findall("0193-x", path)


def test_what_comes_by_the_thousand_is_hot() -> None:
    hot = {(call.method, call.path) for call in HOT}
    assert {("POST", "/v1/jobs"), ("GET", "/v1/jobs/{id}"), ("POST", "/v1/work/claim")} <= hot
    assert {("POST", "/v1/work/{lease}/finish"), ("GET", "/v1/jobs/{id}/stream")} <= hot
    assert ("GET", "/v1/audit/events") not in hot


steps = st.sampled_from(
    ["v1", "jobs", "work", "find", "batch", "claim", "report", "stream", "finish", "stage", "x", "", "."]
)


@given(st.sampled_from(["GET", "POST", "PUT", "HEAD"]), st.lists(steps, max_size=6))
def test_a_path_is_taken_just_where_the_framework_would_take_it(method: str, path_steps: list[str]) -> None:
    parts: Parts = None  # type: ignore[assignment]  # finding a call needs none
    path = "/" + "/".join(path_steps)
    found = Table(CALLS, parts, rest).find(method, path)
    meant = next((c for c in CALLS if c.method == method and pattern(c.path).match(path)), None)
    assert (found and found[0]) is (meant if meant and meant.hot else None)
    if found and meant:
        match = pattern(meant.path).match(path)
        assert match
        assert found[1] == match.groupdict()
