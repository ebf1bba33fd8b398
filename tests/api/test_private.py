"""Personal data: ciphertext at rest, readable for who may see it, and gone with its key."""

import hashlib
import json
from pathlib import Path

import httpx
import pytest

from eventstore.audit.signed import Trust
from eventstore.audit.verify import verify as verify_log
from eventstore.postgres import Pool
from eventstore.private.cipher import bound_to
from projections.rebuild import rebuild
from projections.verify import verify as verify_projections
from tests.api.client import EXPORT, Api
from tests.api.people import FILE, PRIVATE, SECRETS, finished_job, private_job
from tests.store.plain_text import found_in_files, found_in_tables


async def test_everybody_reads_what_nobody_finds(api: Api, folder: Path, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    job, given = await finished_job(api)
    assert given["input"] == {"upload": given["input"]["upload"], "prompt": "zebrafinch"}  # type: ignore[index]
    assert given["settings"] == {"filter": "numbat", "depth": 3}
    file = await api.http.get(f"/v1/uploads/{given['input']['upload']}")
    assert file.content == FILE
    assert "list.csv" in file.headers["content-disposition"]
    assert file.headers["tidings-sha256"] == hashlib.sha256(FILE).hexdigest()
    view = await api.view(job)
    assert view["title"] == "Quokka letter"
    assert view["result"]["name"] == "narwhal.csv"  # type: ignore[index]
    assert view["result"]["size"] == len(FILE)  # type: ignore[index]
    (item,) = (await api.http.get(f"/v1/jobs/{job}/problems")).json()["items"]
    assert (item["reason"], item["value"]) == ("axolotl says no", "okapi@example")
    sheet = await api.http.get(f"/v1/jobs/{job}/problems", headers={"Accept": "text/csv"})
    assert "okapi@example" in sheet.text
    link = view["result"]["href"]  # type: ignore[index]
    async with httpx.AsyncClient(base_url=api.http.base_url) as browser:
        answer = await browser.get(link)
        assert answer.content == FILE
        assert "narwhal.csv" in answer.headers["content-disposition"]
        part = await browser.get(link, headers={"Range": "bytes=65530-131080"})
    assert (part.status_code, part.content) == (206, FILE[65530:131081])
    listed = (await api.http.get("/v1/jobs")).json()["jobs"]
    assert [each["title"] for each in listed] == ["Quokka letter"]
    assert await found_in_tables(pool, SECRETS) == []
    assert found_in_files(folder, SECRETS) == []


async def test_the_stream_of_an_owner_shows_plain_text(api: Api) -> None:
    await api.define(private=PRIVATE)
    async with api.stream("/v1/stream?owner=ann") as events:
        job = await private_job(api)
        sent = await anext(events)
        assert (sent.data["id"], sent.data["title"]) == (job, "Quokka letter")
    async with api.stream(f"/v1/jobs/{job}/stream") as events:
        assert (await anext(events)).data["title"] == "Quokka letter"


async def test_the_history_is_ciphertext_for_every_reader(api: Api, admin: httpx.AsyncClient) -> None:
    await api.define(private=PRIVATE)
    job, _ = await finished_job(api)
    history = (await api.http.get(f"/v1/jobs/{job}/events")).text
    export = (await admin.get("/v1/audit/events", params={"job": job})).text
    for text in (history, export):
        assert "private:" in text
        assert [word for word in SECRETS if word in text] == []


async def test_the_same_private_request_is_the_same_request(api: Api) -> None:
    await api.define(private=PRIVATE, dedupe={"for": "forever"})
    first = await api.submit(title="Quokka letter", input={"prompt": "zebrafinch"})
    again = await api.submit(title="other words", input={"prompt": "zebrafinch"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["title"] == "Quokka letter"
    found = await api.http.post(
        "/v1/jobs/find", json={"type": EXPORT, "owner": "ann", "input": {"prompt": "zebrafinch"}}
    )
    assert found.status_code == 200
    assert (await api.submit(input={"prompt": "zebra"})).status_code == 201


async def test_a_key_answers_again_and_refuses_another_body(api: Api) -> None:
    await api.define(private=PRIVATE)
    headers = {"Idempotency-Key": "one"}
    first = await api.submit(headers, input={"prompt": "zebrafinch"})
    again = await api.submit(headers, input={"prompt": "zebrafinch"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["clicks"] == 1
    assert (await api.submit(headers, input={"prompt": "other"})).status_code == 422


async def test_a_report_said_twice_is_one_report(api: Api) -> None:
    await api.define(private=PRIVATE)
    await private_job(api)
    (given,) = await api.claim()
    items = {"items": [{"reason": "axolotl says no", "value": "okapi@example"}]}
    for _ in range(3):
        assert (await api.report(given["lease"], "problems", items)).status_code == 200
    assert (await api.history(str(given["job"]))).count("ItemsFailed") == 1


async def test_failed_items_come_back_in_the_clear_to_the_worker_who_retries(api: Api, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    job, _ = await finished_job(api)
    retry = {"scope": "failed_items", "input": {"rows": ["numbat"]}}
    assert (await api.http.post(f"/v1/jobs/{job}/retry", json=retry)).status_code == 202
    (given,) = await api.claim()
    assert given["input"] == {"rows": ["numbat"]}
    expected = {"id": "7", "row": 7, "column": "mail", "reason": "axolotl says no", "value": "okapi@example"}
    assert given["items"] == [expected]
    assert await found_in_tables(pool, SECRETS) == []


async def test_a_worker_asks_in_words_that_only_the_person_reads(api: Api, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    job = await private_job(api)
    (given,) = await api.claim()
    await api.report(given["lease"], "needs-fix", {"text": "axolotl says no", "reason": "numbat"})
    view = await api.view(job)
    assert view["sentence"] == "axolotl says no"
    assert view["problem"]["reason"] == "numbat"  # type: ignore[index]
    assert await found_in_tables(pool, SECRETS) == []


async def test_inline_results_and_links_are_hidden_too(api: Api, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    job = await private_job(api)
    (given,) = await api.claim()
    await api.report(given["lease"], "finish", {"result": {"inline": {"answer": "numbat"}}})
    assert (await api.http.get(f"/v1/jobs/{job}/result")).json() == {"answer": "numbat"}
    other = await private_job(api, again=True)
    (given,) = await api.claim()
    link = {"href": "https://example.com/narwhal.csv", "sha256": "0" * 64, "size": 3}
    assert (await api.report(given["lease"], "finish", {"result": link})).status_code == 200
    answer = await api.http.get(f"/v1/jobs/{other}/result", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, link["href"])
    assert await found_in_tables(pool, SECRETS) == []


async def test_an_erased_person_is_gone_everywhere(
    api: Api, admin: httpx.AsyncClient, folder: Path, pool: Pool, capfd: pytest.CaptureFixture[str]
) -> None:
    await api.define(private=PRIVATE, dedupe={"for": "forever"})
    job, _ = await finished_job(api)
    kept, _ = await finished_job(api, owner="bob", input={"prompt": "bob's own"})
    before = (await api.http.get(f"/v1/jobs/{job}/events")).text
    seen_at = (await api.view(job))["updated_at"]
    etag = (await api.http.get(f"/v1/jobs/{job}")).headers["etag"]
    answer = await admin.post("/v1/audit/erase", json={"owner": "ann"})
    assert answer.json() == {
        "owner": "ann",
        "erased": True,
        "jobs_canceled": 0,
        "files_removed": 3,
    }  # one that bob's job does not name

    view = (await api.http.get(f"/v1/jobs/{job}", headers={"If-None-Match": etag})).json()
    assert view["title"] == "Removed"
    assert view["messages"]["/title"] == {"id": "private-removed", "args": {}}
    assert view["state"] == "finished"
    assert view["result"].pop("place").startswith("Removed.")
    assert view["result"] == {"ready": False, "href": None, "name": None, "size": None}
    assert {action["name"] for action in view["actions"]} <= {"again", "download_problems"}
    german = await api.http.get(f"/v1/jobs/{job}", headers={"Accept-Language": "de"})
    assert german.json()["title"] == "Entfernt"
    past = (await api.http.get(f"/v1/jobs/{job}", params={"at": str(seen_at)})).json()
    assert (past["title"], past["result"]["ready"]) == ("Removed", False)
    assert (await api.http.get(f"/v1/jobs/{job}/result")).status_code == 410
    (item,) = (await api.http.get(f"/v1/jobs/{job}/problems")).json()["items"]
    assert (item["value"], item["reason"]) == ("Removed", "Removed")
    assert (await api.http.post(f"/v1/jobs/{job}/retry", json={"scope": "failed_items"})).status_code == 410

    assert (await api.http.get(f"/v1/jobs/{job}/events")).text == before
    assert (await verify_log(pool, Trust(()))).ok
    await rebuild(pool)
    assert await verify_projections(pool) == []
    assert (await api.view(job))["title"] == "Removed"
    assert await found_in_tables(pool, SECRETS) == []
    assert found_in_files(folder, SECRETS) == []
    assert (await api.http.get(f"/v1/jobs/{kept}/result")).content == FILE
    captured = capfd.readouterr()
    assert [word for word in SECRETS if word in captured.out + captured.err] == []

    events = (await admin.get("/v1/audit/events", params={"type": "PersonErased"})).text
    (erased,) = [json.loads(line) for line in events.splitlines()]
    assert erased["stream"] == f"tenant:{api.tenant}"
    assert erased["data"] == {"owner": "ann", "jobs_canceled": 0, "files": 3}

    body = {"title": "Quokka letter", "settings": {"filter": "numbat", "depth": 3}}
    upload = (await api.upload(FILE, "list.csv"))["id"]
    again = await api.submit(**body, input={"upload": upload, "prompt": "zebrafinch"})
    assert (again.status_code, again.json()["id"]) == (200, job)  # the digest outlives the data


async def test_open_jobs_end_with_their_person(api: Api, admin: httpx.AsyncClient, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    await api.http.put("/v1/types/plain.type", json={"title": "Plain"})
    held = await private_job(api)
    (given,) = await api.claim()
    waiting = await private_job(api, again=True)
    public = (await api.submit(type="plain.type")).json()["id"]
    answer = await admin.post("/v1/audit/erase", json={"owner": "ann"})
    assert answer.json()["jobs_canceled"] == 2
    for job in (held, waiting):
        assert (await api.view(job))["state"] == "canceled"
    assert (await api.view(public))["state"] == "queued"
    assert await api.claim() == []
    late = await api.report(given["lease"], "finish", {"result": {"inline": {"answer": "numbat"}}})
    assert late.status_code == 409
    assert await found_in_tables(pool, SECRETS) == []


async def test_who_comes_back_begins_anew(api: Api, admin: httpx.AsyncClient) -> None:
    """The new key opens nothing of the old one's."""
    await api.define(private=PRIVATE)
    old = await private_job(api)
    await admin.post("/v1/audit/erase", json={"owner": "ann"})
    new = await private_job(api)
    assert ((await api.view(old))["title"], (await api.view(new))["title"]) == ("Removed", "Quokka letter")
    assert (await api.http.post(f"/v1/jobs/{old}/retry", json={})).status_code == 410
    (given,) = await api.claim()
    assert given["input"]["prompt"] == "zebrafinch"  # type: ignore[index]


async def test_erasing_nobody_changes_nothing(api: Api, admin: httpx.AsyncClient) -> None:
    head = await api.head()
    answer = await admin.post("/v1/audit/erase", json={"owner": "nobody"})
    assert answer.json() == {"owner": "nobody", "erased": False, "jobs_canceled": 0, "files_removed": 0}
    assert await api.head() == head


async def test_erasing_wants_admin(api: Api, admin: httpx.AsyncClient, stranger: Api) -> None:
    assert (await api.http.post("/v1/audit/erase", json={"owner": "ann"})).status_code == 403
    await stranger.define(private=PRIVATE)
    job = await private_job(stranger)
    await admin.post("/v1/audit/erase", json={"owner": "ann"})  # of another tenant
    assert (await stranger.view(job))["title"] == "Quokka letter"


async def test_a_type_may_only_mark_what_can_be_private(api: Api) -> None:
    answer = await api.http.put(f"/v1/types/{EXPORT}", json={"title": "x", "private": ["title", "owner", "input.a..b"]})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/private/1", "/private/2"]


async def test_types_without_private_fields_write_what_they_always_wrote(api: Api, pool: Pool) -> None:
    await api.define()
    job = await api.job(title="Quokka letter", input={"prompt": "zebrafinch"})
    assert "private:" not in (await api.http.get(f"/v1/jobs/{job}/events")).text
    assert await pool.fetchval("select count(*) from person_keys where tenant = $1", api.tenant) == 0


def test_a_place_is_told_apart_from_every_other() -> None:
    assert bound_to("a", "b") != bound_to("ab")


async def test_a_number_that_json_cannot_keep_is_refused_in_words(api: Api) -> None:
    await api.define(private=PRIVATE)
    body = {"type": EXPORT, "owner": "ann", "input": {"n": 2**60 + 1}}
    for headers in ({}, {"Idempotency-Key": "key"}):
        answer = await api.http.post("/v1/jobs", json=body, headers=headers)
        assert answer.status_code == 422
        assert str(2**60 + 1) not in answer.text, "it may be private"
    named = await api.submit(input={"upload": "Ann's own words"})
    assert named.status_code == 422
    assert "words" not in named.text
    assert await api.job(input={"n": 1})
