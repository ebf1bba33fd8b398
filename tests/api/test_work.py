"""The workers' calls: claims that wait, reports that count or are refused for ever, and both batches."""

import asyncio
from urllib.parse import urlsplit

import httpx
import msgspec

from tests.api.client import EXPORT, Api, pointers

WAITING = "tidings_waiting_claims"


async def test_an_assignment_is_whole(api: Api) -> None:
    await api.define(lease=5)
    job = await api.job(input={"a": 1}, settings={"b": 2})
    (assignment,) = await api.claim()
    view = await api.view(job)
    assert {key: assignment[key] for key in ("job", "ref", "type", "run", "attempt", "input", "settings", "items")} == {
        "job": job, "ref": view["ref"], "type": EXPORT, "run": 1, "attempt": 1, "input": {"a": 1}, "settings": {"b": 2},
        "items": [],
    }  # fmt: skip
    assert assignment["trace"] is None
    assert str(assignment["expires_at"]).endswith("Z")
    assert await api.claim() == []


async def test_each_verb_is_taken(api: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    steps: list[tuple[str, object]] = [
        ("heartbeat", None),
        ("stage", {"name": "reading"}),
        ("progress", {"done": 1, "total": 4}),
        ("problems", {"items": [{"row": 2, "reason": "is empty"}]}),
        ("finish", {"result": {"inline": {}}, "items": {"ready": 3, "failed": 1, "total": 4}}),
    ]
    for verb, body in steps:
        answer = await api.report(assignment["lease"], verb, body)
        assert (answer.status_code, answer.json()) == (200, {"cancel_requested": False}), verb
        assert answer.headers["tidings-position"] == f"0:{await api.head()}"
    view = await api.view(job)
    assert view["items"] == {"ready": 3, "failed": 1, "open": 0, "total": 4}


async def test_an_outdated_lease_is_refused_for_ever(api: Api) -> None:
    """Promise 3; the first refusal of an attempt is on record, the next ones change nothing."""
    await api.define()
    job = await api.job()
    (old,) = await api.claim()
    await api.report(old["lease"], "release")
    (new,) = await api.claim()
    first = await api.report(old["lease"], "finish", {"result": {"inline": {}}})
    assert (first.status_code, first.json()["type"].rpartition("/")[2]) == (409, "lease-outdated")
    assert (await api.history(job))[-1] == "LateReportRefused"
    before = await api.head()
    for verb in ("heartbeat", "release"):
        assert (await api.report(old["lease"], verb)).status_code == 409
    assert await api.head() == before
    assert (await api.report(new["lease"], "heartbeat")).status_code == 200


async def test_a_worker_learns_of_a_cancel(api: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    await api.http.post(f"/v1/jobs/{job}/cancel")
    answer = await api.report(assignment["lease"], "heartbeat")
    assert answer.json() == {"cancel_requested": True}


async def test_a_waiting_claim_is_woken_by_the_job(api: Api) -> None:
    """The looks at the queue are half a minute apart here: only the wake-up explains a claim before that."""
    await api.define()
    claims = []
    for n in range(3):
        claims.append(asyncio.create_task(api.claim(wait=20)))
        await api.until(WAITING, n + 1)
    for n in range(3):  # one waiter for each job, the first that came first
        job = await api.job(input=n)
        async with asyncio.timeout(5):
            (assignment,) = await claims[n]
        assert assignment["job"] == job


async def test_a_waiting_claim_is_woken_by_what_frees_a_job(api: Api) -> None:
    """By a released attempt, a retry by hand, and an end that makes room under a limit."""
    await api.define(limits={"per_tenant": 1})
    await api.job(input=1)
    await api.job(input=2)
    (first,) = await api.claim()
    ends: list[tuple[str, object]] = [("release", {}), ("finish", {"result": {"inline": {}}})]
    for verb, body in ends:
        waiting = asyncio.create_task(api.claim(wait=20))
        await api.until(WAITING, 1)
        await api.report(first["lease"], verb, body)
        async with asyncio.timeout(5):
            (first,) = await waiting
    await api.report(first["lease"], "needs-fix", {"text": "The key is missing."})
    waiting = asyncio.create_task(api.claim(wait=20))
    await api.until(WAITING, 1)
    await api.http.post(f"/v1/jobs/{first['job']}/retry")
    async with asyncio.timeout(5):
        assert [assignment["run"] for assignment in await waiting] == [2]


async def test_a_claim_that_finds_nothing_ends_in_time(api: Api) -> None:
    await api.define()
    async with asyncio.timeout(5):
        assert await api.claim(wait=0.1) == []


async def test_a_worker_that_hangs_up_gets_no_job(api: Api, url: str) -> None:
    """Its place in the line goes to the next one; the job meets that worker at once."""
    await api.define()
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = msgspec.json.encode({"types": [EXPORT], "worker": "gone", "wait": 20})
    key = api.http.headers["authorization"]
    head = f"POST /v1/work/claim HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    await api.until(WAITING, 1)
    waiting = asyncio.create_task(api.claim(wait=20))
    await api.until(WAITING, 2)
    writer.transport.abort()
    await api.until(WAITING, 1)
    job = await api.job()
    async with asyncio.timeout(5):
        (assignment,) = await waiting
    assert (assignment["job"], assignment["attempt"]) == (job, 1)


async def test_fifty_workers_never_share_an_attempt(api: Api) -> None:
    await api.define()
    jobs = {await api.job(input=n) for n in range(20)}
    claims = await asyncio.gather(*(api.claim() for _ in range(50)))
    taken = [str(assignment["job"]) for found in claims for assignment in found]
    assert sorted(taken) == sorted(jobs)


async def test_many_reports_in_one_call(api: Api) -> None:
    await api.define()
    jobs = [await api.job(input=n) for n in range(3)]
    leases = {assignment["job"]: assignment["lease"] for assignment in await api.claim(most=3)}
    one, two, three = (leases[job] for job in jobs)
    reports = [
        {"lease": one, "verb": "stage", "body": {"name": "reading"}},
        {"lease": "forged", "verb": "heartbeat"},
        {"lease": two, "verb": "dance"},
        {"lease": two, "verb": "progress", "body": {"done": -1}},
        {"lease": three, "verb": "finish", "body": {"result": {"upload": "x"}}},
        {"lease": three, "verb": "release", "body": None},
        {"lease": three, "verb": "heartbeat", "body": {}},
        {"lease": one, "verb": "finish", "body": {"result": {"inline": {}}}},
    ]
    answer = await api.http.post("/v1/work/report", json={"worker": "w-1", "reports": reports})
    answers = answer.json()["answers"]
    assert [each["status"] for each in answers] == [200, 404, 422, 422, 422, 200, 409, 200]
    assert answers[0] == {"status": 200, "cancel_requested": False}
    where = [error["pointer"] for each in answers for error in each.get("problem", {"errors": []})["errors"]]
    assert where == ["/reports/2/verb", "/reports/3/body/done", "/reports/4/body/result/upload"]
    assert [(await api.view(job))["label"] for job in jobs] == ["Finished", "Running", "Queued"]


async def test_many_signs_of_life_in_one_call(api: Api, stranger: Api) -> None:
    await api.define()
    await stranger.define()
    await api.job()
    await stranger.job()
    (own,), (foreign,) = await api.claim(), await stranger.claim()
    before = await api.head()
    leases = [own["lease"], foreign["lease"], "x"]
    answer = await api.http.post("/v1/work/heartbeat", json={"worker": "w-1", "leases": leases})
    assert [each["status"] for each in answer.json()["answers"]] == [200, 404, 404]
    assert "tidings-position" in answer.headers
    assert await api.head() == before  # signs of life are no events


async def test_a_claim_with_a_key_gives_the_same_attempts(api: Api) -> None:
    """An answer that was lost on its way is asked for again; nothing else is taken."""
    await api.define()
    await api.job(input=1)
    await api.job(input=2)

    async def claim() -> httpx.Response:
        body = {"types": [EXPORT], "worker": "w-1"}
        return await api.http.post("/v1/work/claim", json=body, headers={"Idempotency-Key": "c"})

    first, second = await claim(), await claim()
    assert first.json()["assignments"] == second.json()["assignments"]
    assert len(first.json()["assignments"]) == 1


async def test_a_report_of_a_job_that_ended(api: Api) -> None:
    await api.define()
    await api.job()
    (assignment,) = await api.claim()
    await api.report(assignment["lease"], "finish", {"result": {"inline": {}}})
    answer = await api.report(assignment["lease"], "progress", {"done": 1})
    assert answer.status_code == 409
    assert pointers(answer) == []
