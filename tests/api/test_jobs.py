"""Submit, find, batch, cancel and retry, and what a caller reads of it."""

import asyncio

from tests.api.client import EXPORT, Api, pointers


async def test_a_click_becomes_a_job(api: Api) -> None:
    await api.define()
    actor = {b"Tidings-Actor": "user:jörg".encode()}
    answer = await api.submit(actor, input={"a": 1}, title="Export of 5 orders")
    job = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["tidings-position"] == f"0:{await api.head()}"
    assert (job["title"], job["version"], job["reopened"], job["repeat"]) == ("Export of 5 orders", 2, False, None)
    read = await api.view(job["id"])
    assert "reopened" not in read
    events = (await api.http.get(f"/v1/jobs/{job['id']}/events")).json()["events"]
    assert events[0]["actor"] == {"kind": "user", "id": "jörg"}


async def test_without_an_actor_the_key_acts(api: Api) -> None:
    await api.define()
    events = (await api.http.get(f"/v1/jobs/{await api.job()}/events")).json()["events"]
    assert events[0]["actor"]["kind"] == "service"


async def test_two_tabs_one_job(api: Api) -> None:
    """Promise 2: the second click gets the same job, and both are on record."""
    await api.define()
    first, second = await asyncio.gather(api.submit(), api.submit())
    assert sorted([first.status_code, second.status_code]) == [200, 201]
    again = first if first.status_code == 200 else second
    assert first.json()["id"] == second.json()["id"]
    assert again.json()["reopened"] is True
    assert again.json()["repeat"]["of"] == first.json()["id"]
    assert again.json()["repeat"]["text"].startswith("You already started this")
    assert again.json()["clicks"] == 2
    assert await api.history(first.json()["id"]) == ["JobRequested", "JobQueued", "RequestRepeated"]


async def test_find_asks_and_counts_nothing(api: Api) -> None:
    await api.define()
    body = {"type": EXPORT, "owner": "ann"}
    assert (await api.http.post("/v1/jobs/find", json=body)).status_code == 204
    job = await api.job()
    before = await api.head()
    found = await api.http.post("/v1/jobs/find", json=body)
    assert found.status_code == 200
    assert (found.json()["id"], found.json()["clicks"], found.json()["repeat"]["of"]) == (job, 1, job)
    assert await api.head() == before


async def test_a_key_makes_it_once(api: Api) -> None:
    """The first status and Location with the current view; no click, nothing appended; quoted or bare."""
    await api.define(dedupe={"for": "never"})
    first = await api.submit({"Idempotency-Key": '"k-1"'})
    before = await api.head()
    again = await api.submit({"Idempotency-Key": "k-1"}, settings=None)
    assert [first.status_code, again.status_code] == [201, 201]
    assert again.headers["location"] == first.headers["location"]
    assert (again.json()["clicks"], again.json()["reopened"], again.json()["repeat"]) == (1, False, None)
    assert await api.head() == before
    other = await api.submit({"Idempotency-Key": "k-1"}, input=1)
    assert other.status_code == 422
    assert other.json()["type"].endswith("/key-reused")
    assert await api.head() == before


async def test_a_key_knows_a_file_by_its_content(api: Api) -> None:
    await api.define()
    first, second = await api.upload(b"same"), await api.upload(b"same")
    answers = [
        await api.submit({"Idempotency-Key": "k"}, input={"files": [{"upload": each["id"]}]})
        for each in (first, second)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]


async def test_a_key_is_bound_to_its_tenant_and_call(api: Api, stranger: Api) -> None:
    await api.define()
    await stranger.define()
    key = {"Idempotency-Key": "k"}
    one = await api.submit(key)
    two = await stranger.submit(key)
    three = await api.http.post(f"/v1/jobs/{one.json()['id']}/cancel", headers=key)
    assert [one.status_code, two.status_code, three.status_code] == [201, 201, 202]
    assert one.json()["id"] != two.json()["id"]


async def test_a_batch_judges_each_by_itself(api: Api) -> None:
    await api.define()
    good = {"type": EXPORT, "owner": "ann", "input": 1}
    jobs = [good, {"type": EXPORT}, good, 5, {**good, "type": "no.such"}, {**good, "input": {"upload": "x"}},
            {**good, "input": "a" * 262_144}, {**good, "input": 2}]  # fmt: skip
    answer = await api.http.post("/v1/jobs/batch", json={"jobs": jobs}, headers={"Idempotency-Key": "b"})
    answers = answer.json()["answers"]
    assert answer.status_code == 200
    assert [each["status"] for each in answers] == [201, 422, 200, 422, 422, 422, 413, 201]
    assert answers[2]["job"]["id"] == answers[0]["job"]["id"]
    assert answers[2]["job"]["reopened"] is True
    where = [each["problem"]["errors"][0]["pointer"] for each in answers if "problem" in each]
    assert where == ["/jobs/1/owner", "/jobs/3", "/jobs/4/type", "/jobs/5/input/upload", "/jobs/6/input"]
    assert answer.headers["tidings-position"] == f"0:{await api.head()}"
    before = await api.head()
    again = (await api.http.post("/v1/jobs/batch", json={"jobs": jobs}, headers={"Idempotency-Key": "b"})).json()
    assert [each["status"] for each in again["answers"]] == [each["status"] for each in answers]
    assert await api.head() == before


async def test_an_empty_batch(api: Api) -> None:
    answer = await api.http.post("/v1/jobs/batch", json={"jobs": []})
    assert (answer.status_code, answer.json()) == (200, {"answers": []})
    assert "tidings-position" in answer.headers


async def test_cancel_twice_is_fine(api: Api) -> None:
    await api.define()
    job = await api.job()
    first, second = [await api.http.post(f"/v1/jobs/{job}/cancel") for _ in range(2)]
    assert [first.status_code, second.status_code] == [202, 200]
    assert first.json()["label"] == "Canceled"
    assert second.json()["version"] == first.json()["version"]


async def test_a_retry_that_could_charge_is_confirmed_with_its_plan(api: Api) -> None:
    await api.define(retry={"safety": "may_charge", "attempts": 1})
    job = await api.job()
    (assignment,) = await api.claim()
    await api.report(assignment["lease"], "fail", {"reason": "timed out"})
    plan = (await api.http.get(f"/v1/jobs/{job}/retry")).json()
    assert (plan["scope"], plan["safety"], plan["runs"]["count"]) == ("all", "may_charge", 1)
    assert plan["confirm_text"]
    path, before = f"/v1/jobs/{job}/retry", await api.head()
    unconfirmed = await api.http.post(path, json={})
    changed = await api.http.post(path, json={"confirm": True, "plan": "0" * 32})
    assert [unconfirmed.status_code, changed.status_code] == [409, 409]
    assert [answer.json()["type"].rpartition("/")[2] for answer in (unconfirmed, changed)] == [
        "confirm-first",
        "plan-changed",
    ]
    assert unconfirmed.json()["plan"] == changed.json()["plan"] == plan
    assert await api.head() == before
    done = await api.http.post(path, json={"confirm": True, "plan": plan["plan"]})
    assert (done.status_code, done.json()["run"]) == (202, 2)


async def test_only_what_failed_is_done_again(api: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    await api.report(assignment["lease"], "progress", {"done": 10, "total": 10, "unit": "rows"})
    items = [{"row": 7, "column": "email", "reason": "is missing"}, {"row": 3, "reason": "is not a date", "value": "x"}]
    await api.report(assignment["lease"], "problems", {"items": items})
    await api.report(assignment["lease"], "finish", {"result": {"inline": {"rows": 8}}})
    plan = (await api.http.get(f"/v1/jobs/{job}/retry", params={"scope": "failed_items"})).json()
    assert plan["runs"] == {"count": 2, "ids": ["3", "7"]}
    assert plan["keeps"] == 8
    answer = await api.http.post(f"/v1/jobs/{job}/retry", json={"scope": "failed_items", "plan": plan["plan"]})
    assert answer.status_code == 202
    (again,) = await api.claim()
    found = again["items"]
    assert isinstance(found, list)
    assert sorted(item["id"] for item in found) == ["3", "7"]


async def test_nothing_to_retry(api: Api) -> None:
    await api.define()
    waiting = await api.job(input=1)
    plan = await api.http.get(f"/v1/jobs/{waiting}/retry")
    assert (plan.status_code, plan.json()["type"].rpartition("/")[2]) == (409, "still-running")
    await api.http.post(f"/v1/jobs/{waiting}/cancel")
    done = await api.finished(input=2)
    for answer in (await api.http.get(f"/v1/jobs/{done}/retry"), await api.http.post(f"/v1/jobs/{done}/retry")):
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "nothing-to-retry")
        assert pointers(answer) == []


async def test_types_are_written_whole_and_belong_to_their_tenant(api: Api, stranger: Api) -> None:
    answer = await api.http.put(f"/v1/types/{EXPORT}", json={"title": {"en": "Export", "de": "Ausfuhr"}})
    assert answer.status_code == 201
    assert answer.json()["dedupe"] == {"same": ["owner", "input", "settings"], "for": "while_active"}
    assert (await api.http.get(f"/v1/types/{EXPORT}")).json() == answer.json()
    assert (await api.http.get("/v1/types")).json() == {"types": [answer.json()]}
    assert (await stranger.http.get(f"/v1/types/{EXPORT}")).status_code == 404
    before = await api.head()
    same = await api.http.put(f"/v1/types/{EXPORT}", json={"title": {"en": "Export", "de": "Ausfuhr"}})
    assert same.status_code == 200
    assert await api.head() == before


async def test_the_view_speaks_the_readers_language(api: Api) -> None:
    await api.define(title={"en": "Export", "de": "Ausfuhr"})
    job = await api.job()
    views = [
        (await api.http.get(f"/v1/jobs/{job}", headers={"Accept-Language": language})).json()
        for language in ("en", "de", "fr")
    ]
    assert [view["title"] for view in views] == ["Export", "Ausfuhr", "Export"]
    assert views[0]["sentence"] == views[2]["sentence"] != views[1]["sentence"]
