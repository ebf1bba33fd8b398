"""A pass opens one owner's jobs and nothing else, for a while."""

import httpx
import pytest

from services.front.passes import Passes
from tests.api.client import Api

SUBMIT = {"type": "orders.export", "owner": "ann"}


async def given(api: Api, owner: str = "ann", **more: object) -> httpx.AsyncClient:
    answer = await api.http.post("/v1/passes", json={"owner": owner, **more})
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    return httpx.AsyncClient(base_url=api.http.base_url, headers=headers, timeout=30)


async def test_a_person_starts_and_follows_their_own_job(api: Api) -> None:
    await api.define()
    async with await given(api) as ann:
        started = await ann.post("/v1/jobs", json=SUBMIT, headers={"Tidings-Actor": "user:somebody-else"})
        assert started.status_code == 201
        job = started.json()["id"]
        assert (await ann.post("/v1/jobs/find", json=SUBMIT)).json()["id"] == job
        assert [each["id"] for each in (await ann.get("/v1/jobs")).json()["jobs"]] == [job]
        first = (await ann.get(f"/v1/jobs/{job}/events")).json()["events"][0]
        assert first["actor"] == {"kind": "user", "id": "ann"}  # a browser speaks for nobody else
        async with ann.stream("GET", "/v1/stream", params={"owner": "ann"}) as stream:
            assert stream.status_code == 200
        assert (await ann.post(f"/v1/jobs/{job}/cancel", json={})).status_code == 202


@pytest.mark.parametrize("what", ["", "/result", "/items", "/problems", "/events", "/stream", "/retry"])
async def test_anothers_job_is_not_there(api: Api, what: str) -> None:
    await api.define()
    job = await api.job(owner="bob")
    async with await given(api) as ann:
        assert (await ann.get(f"/v1/jobs/{job}{what}")).status_code == 404
        for verb in ("cancel", "retry"):
            assert (await ann.post(f"/v1/jobs/{job}/{verb}", json={})).status_code == 404
        assert (await ann.get("/v1/jobs")).json()["jobs"] == []


async def test_it_does_nothing_in_anothers_name(api: Api) -> None:
    await api.define()
    async with await given(api) as ann:
        bobs = {**SUBMIT, "owner": "bob"}
        for path in ("/v1/jobs", "/v1/jobs/find"):
            assert (await ann.post(path, json=bobs)).status_code == 403
        assert (await ann.get("/v1/jobs", params={"owner": "bob"})).status_code == 403
        assert (await ann.get("/v1/stream", params={"owner": "bob"})).status_code == 403


async def test_what_is_not_one_owners_is_closed(api: Api) -> None:
    await api.define()
    async with await given(api) as ann:
        asked = [
            ann.post("/v1/jobs/batch", json={"jobs": [{**SUBMIT, "owner": "bob"}]}),
            ann.post("/v1/passes", json={"owner": "bob"}),
            ann.post("/v1/work/claim", json={"types": ["orders.export"], "worker": "w"}),
            ann.put("/v1/types/orders.export", json={"title": "Mine"}),
            ann.get("/v1/overview"),
            ann.get("/v1/types"),
        ]
        assert [(await each).status_code for each in asked] == [403] * len(asked)


async def test_a_forged_or_old_pass_opens_nothing(api: Api) -> None:
    passes = Passes(b"a secret that is not the service's")
    token = passes.give(api.tenant, "ann", 60).token
    for bad in (token, token + "x", "tdp_", "tdp_.", "tdp_é"):
        headers = {b"Authorization": f"Bearer {bad}".encode()}
        assert (await api.http.get("/v1/jobs", headers=headers)).status_code == 401
    assert passes.caller(token) is not None
    assert passes.caller(passes.give(api.tenant, "ann", -1).token) is None
    assert passes.caller(token.replace("tdp_", "tdp_A")) is None


async def test_no_other_origin_may_use_it_by_default(api: Api) -> None:
    """docs/settings.md: TIDINGS_ALLOWED_ORIGINS; tests/api/test_origins.py has it set."""
    for method, path in (("OPTIONS", "/v1/jobs"), ("GET", "/v1/jobs"), ("GET", "/web/tidings.js")):
        answer = await api.http.request(method, path, headers={"Origin": "https://shop.example"})
        assert "access-control-allow-origin" not in answer.headers
