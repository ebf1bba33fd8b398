"""The micro service: the same calls and problems as HTTP, found by the tooling, shared by several processes."""

import asyncio
import json

import pytest
from nats.js import JetStreamContext

from eventstore.postgres import Pool
from services.settings import Settings
from tests.api.client import EXPORT, Api
from tests.nats.service import WAIT_S, Caller, by_http, tidings
from tests.nats_servers import Broker
from tests.store.streams import opened

SUBMIT = {"type": EXPORT, "owner": "ann", "input": {"n": 1}}


@pytest.fixture
def caller(js: JetStreamContext, api: Api) -> Caller:
    return Caller(js._nc, api.tenant)


async def test_a_job_from_click_to_result(api: Api, caller: Caller) -> None:
    """Every call of the service, end to end over NATS."""
    await api.define()
    assert (await caller.ask("find", SUBMIT)).status == 204
    new = await caller.ask("submit", SUBMIT, **{"Tidings-Actor": "user:ann"})
    assert new.status == 201
    assert new.headers["Tidings-Position"].startswith("0:")
    job = str(new.body["id"])
    assert new.headers["Location"] == f"/v1/jobs/{job}"
    assert (await caller.ask("submit", SUBMIT)).body["reopened"] is True
    assert (await caller.ask("find", SUBMIT)).body["id"] == job

    claimed = await caller.ask("claim", {"types": [EXPORT], "worker": "w-1"})
    assignments = claimed.body["assignments"]
    assert isinstance(assignments, list)
    lease = assignments[0]["lease"]
    beats = await caller.ask("heartbeat", {"worker": "w-1", "leases": [lease, "forged"]})
    assert [each["status"] for each in beats.body["answers"]] == [200, 404]  # type: ignore[attr-defined]
    finish = {"lease": lease, "verb": "finish", "body": {"result": {"inline": {"rows": 3}}}}
    reports = [{"lease": lease, "verb": "progress", "body": {"done": 3, "total": 3}}, finish]
    done = await caller.ask("report", {"worker": "w-1", "reports": reports})
    assert [each["status"] for each in done.body["answers"]] == [200, 200]  # type: ignore[attr-defined]

    view = await caller.ask("get", {"job": job})
    assert view.body["result"]["ready"] is True  # type: ignore[index]
    assert view.body["sentence"] == (await api.view(job))["sentence"]
    then = await caller.ask("get", {"job": job, "at": new.body["created_at"]})
    assert then.body["version"] == 2
    assert (await caller.ask("cancel", {"job": job})).status == 409
    assert (await caller.ask("retry", {"job": job})).status == 409


async def test_a_claim_that_waits_holds_up_nobody(api: Api, caller: Caller) -> None:
    await api.define()
    waiting = [
        asyncio.create_task(caller.ask("claim", {"types": [EXPORT], "worker": f"w-{n}", "wait": 20})) for n in range(20)
    ]
    new = [await caller.ask("submit", {**SUBMIT, "input": {"n": n}}) for n in range(20)]
    given = [claim.body["assignments"] for claim in await asyncio.gather(*waiting)]
    jobs = [assignments[0]["job"] for assignments in given]  # type: ignore[index]
    assert set(jobs) == {answer.body["id"] for answer in new}


BAD = {
    "no JSON": ("submit", b'{"type": "orders.export",', "/v1/jobs"),
    "no owner": ("submit", b'{"type": "orders.export"}', "/v1/jobs"),
    "unknown field": ("submit", b'{"type": "orders.export", "owner": "ann", "prio": 1}', "/v1/jobs"),
    "unknown type": ("submit", b'{"type": "no.such", "owner": "ann"}', "/v1/jobs"),
    "foreign upload": ("submit", b'{"type": "orders.export", "owner": "ann", "input": {"upload": "x"}}', "/v1/jobs"),
    "NUL": ("submit", b'{"type": "orders.export", "owner": "a\\u0000"}', "/v1/jobs"),
    "too large": ("submit", b"[" + b" " * 1024 * 1024 + b"]", "/v1/jobs"),
    "find": ("find", b'{"type": "no.such", "owner": "ann"}', "/v1/jobs/find"),
    "no types": ("claim", b'{"types": [], "worker": "w"}', "/v1/work/claim"),
    "no worker": ("report", b'{"reports": []}', "/v1/work/report"),
    "bad leases": ("heartbeat", b'{"worker": "w", "leases": 1}', "/v1/work/heartbeat"),
}


@pytest.mark.parametrize("name", BAD)
async def test_the_same_mistake_gets_the_same_problem(api: Api, caller: Caller, name: str) -> None:
    await api.define()
    verb, body, path = BAD[name]
    http = await api.http.post(path, content=body, headers={"Accept-Language": "de"})
    nats = await caller.ask(verb, body, **{"Accept-Language": "de"})
    assert (nats.status, nats.body) == (http.status_code, http.json())
    assert nats.headers["Nats-Service-Error-Code"] == str(http.status_code)
    assert nats.headers["Nats-Service-Error"] == http.json()["title"]


@pytest.mark.parametrize("verb", ["get", "cancel", "retry"])
async def test_an_unknown_or_foreign_job_is_the_404_of_http(api: Api, caller: Caller, verb: str) -> None:
    job = "01930000-0000-7000-8000-000000000000"
    path = f"/v1/jobs/{job}" + ("" if verb == "get" else f"/{verb}")
    http = await api.http.request("GET" if verb == "get" else "POST", path)
    nats = await caller.ask(verb, {"job": job})
    assert (nats.status, nats.body) == (404, http.json())


async def test_a_key_is_one_call_over_http_and_nats(api: Api, caller: Caller) -> None:
    await api.define(dedupe={"for": "never"})
    key = {"Idempotency-Key": "one"}
    first = await api.http.post("/v1/jobs", json=SUBMIT, headers=key)
    again = await caller.ask("submit", SUBMIT, **key)
    assert (again.status, again.body["id"]) == (201, first.json()["id"])
    assert (await caller.ask("submit", {**SUBMIT, "owner": "bob"}, **key)).status == 422


async def test_a_subject_that_names_no_tenant_is_refused(url: str, js: JetStreamContext) -> None:
    del url
    answer = await Caller(js._nc, "No_Tenant").ask("submit", SUBMIT)
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "tenant")  # type: ignore[index]


async def test_the_nats_tooling_finds_and_measures_it(api: Api, caller: Caller, js: JetStreamContext) -> None:
    await caller.ask("submit", {"type": "no.such", "owner": "ann"})
    await caller.ask("get", {"job": "x"})
    ping, info, stats = [
        json.loads((await js._nc.request(f"$SRV.{verb}.tidings", timeout=WAIT_S)).data)
        for verb in ("PING", "INFO", "STATS")
    ]
    assert ping["name"] == "tidings"
    assert info["endpoints"][0]["subject"] == "tidings.v1.api.*.submit"
    assert len(info["endpoints"]) == 8
    submit = stats["endpoints"][0]
    assert submit["num_requests"] >= submit["num_errors"] >= 1
    assert submit["last_error"] == "422:unknown-type"
    assert submit["average_processing_time"] > 0
    del api


async def test_several_processes_share_the_requests(settings: Settings, url: str, pool: Pool, nats: Broker) -> None:
    async with tidings(settings), by_http(url, pool, "shared") as api, opened(nats.url) as js:
        await api.define()
        caller = Caller(js._nc, "shared")
        many = [{**SUBMIT, "input": {"n": n}} for n in range(200)]
        answers = await asyncio.gather(*(caller.ask("submit", body) for body in many))
        assert {answer.status for answer in answers} == {201}
        inbox = js._nc.new_inbox()
        replies = await js._nc.subscribe(inbox)
        await js._nc.publish("$SRV.STATS.tidings", reply=inbox)
        told = [json.loads((await replies.next_msg(timeout=WAIT_S)).data) for _ in range(2)]
    assert all(instance["endpoints"][0]["num_requests"] >= 20 for instance in told)
