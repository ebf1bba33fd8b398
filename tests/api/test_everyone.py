"""A key of scope `serve`: one worker for all tenants, who does each job's calls in that tenant and nothing more."""

from collections.abc import AsyncIterator

import httpx
import pytest

from eventstore.postgres import Pool
from services.keys import DEFAULT_SCOPES, create_key
from tests.api.client import EXPORT, Api
from tidings import Context, Worker


@pytest.fixture
async def serving_key(pool: Pool, tenant: str) -> str:
    async with pool.acquire() as conn:
        return (await create_key(conn, f"{tenant}-ops", ("serve",))).key


@pytest.fixture
async def worker(url: str, serving_key: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {serving_key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
        yield http


async def test_no_key_serves_everyone_by_default() -> None:
    assert "serve" not in DEFAULT_SCOPES


async def test_it_claims_from_every_tenant_and_acts_for_the_jobs_own(
    api: Api, stranger: Api, worker: httpx.AsyncClient
) -> None:
    kind = f"shared.{api.tenant.replace('-', '_')}"
    jobs = {}
    for each in (api, stranger):
        await each.define(kind)
        jobs[each.tenant] = (await each.submit(type=kind)).json()["id"]
    claimed = await worker.post("/v1/work/claim", json={"types": [kind], "worker": "w", "max": 9, "wait": 5})
    assignments = claimed.json()["assignments"]
    assert {each["tenant"]: each["job"] for each in assignments} == jobs
    for each in assignments:
        path = f"/v1/work/{each['lease']}/finish"
        body: dict[str, object] = {"result": {"inline": {}}}
        assert (await worker.post(path, json=body)).status_code == 403, "it must say for whom it acts"
        wrong = {"Tidings-Tenant": "somebody-else"}
        assert (await worker.post(path, json=body, headers=wrong)).status_code == 404
        right = {"Tidings-Tenant": each["tenant"]}
        assert (await worker.post(path, json=body, headers=right)).status_code == 200
        got = await worker.get(f"/v1/jobs/{each['job']}", headers=right)
        assert got.status_code == 403, "a worker's calls alone"
    assert (await api.view(jobs[api.tenant]))["state"] == "finished"


async def test_an_ordinary_key_names_no_other_tenant(api: Api, stranger: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    assert assignment["tenant"] == api.tenant
    foreign = {"Tidings-Tenant": api.tenant}
    answer = await stranger.http.post(f"/v1/work/{assignment['lease']}/release", json={}, headers=foreign)
    assert answer.status_code == 404
    claimed = await stranger.http.post("/v1/work/claim", json={"types": [EXPORT], "worker": "w"}, headers=foreign)
    assert claimed.json()["assignments"] == []
    assert (await api.view(job))["state"] == "running"


async def test_a_bad_tenant_is_named(worker: httpx.AsyncClient) -> None:
    claimed = await worker.post(
        "/v1/work/claim", json={"types": ["a.b"], "worker": "w"}, headers={"Tidings-Tenant": "No Tenant"}
    )
    assert claimed.status_code == 422
    assert claimed.json()["errors"][0]["pointer"] == "Tidings-Tenant"


async def test_the_sdks_worker_serves_them_all(api: Api, stranger: Api, url: str, serving_key: str) -> None:
    """A result that is a file is stored in the job's own tenant."""
    kind = f"shared.{api.tenant.replace('-', '_')}"
    jobs = {}
    for each in (api, stranger):
        await each.define(kind)
        jobs[each] = (await each.submit(type=kind)).json()["id"]
    everyone = Worker(url, api_key=serving_key, slots=2)

    @everyone.job(kind)
    async def handler(ctx: Context) -> None:
        await ctx.stage("writing")
        await ctx.result(ctx.tenant.encode(), "whose.txt")
        seen.append(ctx.tenant)
        if len(seen) == 2:
            everyone.stop()

    seen: list[str] = []
    await everyone.run()
    assert sorted(seen) == sorted([api.tenant, stranger.tenant])
    for each, job in jobs.items():
        assert (await each.http.get(f"/v1/jobs/{job}/result")).content == each.tenant.encode()
