"""The order of checks: 401 · 403 · 404 for what the path names · 413 · 422 for the body · 409."""

import httpx
import pytest

from eventstore.postgres import Pool
from services.keys import create_key, revoke_key
from tests.api.client import Api, pointers

UNKNOWN = "01999999-9999-7999-8999-999999999999"
LARGE = b" " * (1024 * 1024 + 1)
NAMED = ["/v1/jobs/ID", "/v1/jobs/ID/items", "/v1/jobs/ID/events", "/v1/jobs/ID/stream", "/v1/jobs/ID/result",
         "/v1/jobs/ID/problems", "/v1/jobs/ID/retry", "/v1/uploads/ID"]  # fmt: skip


async def test_a_key_comes_first(api: Api) -> None:
    for key in ("", "Bearer", "Bearer nonsense", "Basic abc", "Bearer é"):
        headers = {b"Authorization": key.encode()}
        answer = await api.http.post("/v1/jobs/x/cancel", content=LARGE, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert pointers(answer) == []


async def test_a_scope_comes_before_all_that_is_asked(url: str, pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        key = await create_key(conn, tenant, ("read",))
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key.key}"}) as http:
        for path in ("/v1/jobs", "/v1/jobs/x/cancel", "/v1/work/claim", "/v1/work/x/finish", "/v1/uploads"):
            answer = await http.post(path, content=LARGE)
            assert answer.status_code == 403, path
        assert (await http.put("/v1/types/X", content=b"")).status_code == 403
        assert (await http.get("/v1/jobs")).status_code == 200


async def test_a_withdrawn_key_ends(url: str, pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        key = await create_key(conn, tenant)
        assert await revoke_key(conn, tenant, key.id)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key.key}"}) as http:
        assert (await http.get("/v1/jobs")).status_code == 401


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("named", [UNKNOWN, "x", "%00", UNKNOWN.upper(), "EX-7F3K9MQ2"])
async def test_unknown_is_not_found_before_a_bad_query(api: Api, path: str, named: str) -> None:
    answer = await api.http.get(
        path.replace("ID", named), params={"at": "x", "limit": "x", "cursor": "x", "scope": "x"}
    )
    assert answer.status_code == 404
    assert pointers(answer) == []


@pytest.mark.parametrize("verb", ["cancel", "retry"])
async def test_not_found_comes_before_the_body(api: Api, stranger: Api, verb: str) -> None:
    await stranger.define()
    foreign = await stranger.job()
    for named in (foreign, UNKNOWN, "x"):
        for body in (LARGE, b"[", b'{"no": 1}'):
            assert (await api.http.post(f"/v1/jobs/{named}/{verb}", content=body)).status_code == 404


async def test_foreign_is_unknown(api: Api, stranger: Api) -> None:
    """Alike to the byte, but for what was asked."""
    await stranger.define()
    foreign = await stranger.finished()
    for path in NAMED:
        answers = [await api.http.get(path.replace("ID", named)) for named in (foreign, UNKNOWN)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(foreign, "") == answers[1].text.replace(UNKNOWN, "")
    assert (await api.http.get("/v1/jobs")).json()["jobs"] == []


async def test_a_lease_that_is_forged_or_foreign_is_not_found(api: Api, stranger: Api) -> None:
    await stranger.define()
    job = await stranger.job()
    (assignment,) = await stranger.claim()
    assert assignment["job"] == job
    lease = str(assignment["lease"])
    before = await api.head()
    for token in (lease, lease[:-2] + "AA", "AAAA", "x", "%00", "é"):
        answer = await api.report(token, "finish", {"no": "such"})
        assert answer.status_code == 404
        assert token == "x" or token not in answer.text  # never said back
    assert await api.head() == before
    assert (await stranger.report(lease, "heartbeat")).status_code == 200


async def test_413_comes_before_422_and_422_before_409(api: Api) -> None:
    await api.define()
    job = await api.finished()
    path = f"/v1/jobs/{job}/cancel"
    assert (await api.http.post(path, content=b"[" + LARGE)).status_code == 413
    assert (await api.http.post(path, content=b"[")).status_code == 422
    answer = await api.http.post(path)
    assert answer.status_code == 409
    assert pointers(answer) == []


async def test_an_unknown_upload_is_422_and_a_foreign_one_too(api: Api, stranger: Api) -> None:
    await api.define()
    foreign = (await stranger.upload(b"secret"))["id"]
    answers = [await api.submit(input={"upload": each}) for each in (foreign, UNKNOWN)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].text.replace(str(foreign), "") == answers[1].text.replace(UNKNOWN, "")
