"""What auditors get by HTTP: the log byte for byte, others' lines hidden, signed checkpoints, reads on record."""

import asyncio
import base64
import hashlib
import json

import httpx

from eventstore.audit.notes import PublicKey, open_checkpoint
from eventstore.chain import START
from services.archiving import archive_all
from services.keys import create_key
from tests.api.client import Api, pointers


async def lines(api: Api, **params: str | int) -> tuple[httpx.Response, list[dict[str, object]]]:
    answer = await api.http.get("/v1/audit/events", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return answer, [json.loads(line) for line in answer.text.splitlines()]


async def test_the_whole_log_verifies_though_others_lines_are_hidden(api: Api, stranger: Api) -> None:
    for each in (api, stranger):
        await each.define()
        await each.job()
    answer, found = await lines(api)
    assert {line.get("tenant", api.tenant) for line in found} == {api.tenant}
    assert any("digest" in line for line in found)
    hash_ = START
    for position, (line, raw) in enumerate(zip(found, answer.content.splitlines(), strict=True), 1):
        digest = bytes.fromhex(str(line["digest"])) if "digest" in line else hashlib.sha256(raw[:-75] + b"}").digest()
        hash_ = hashlib.sha256(hash_ + digest).digest()
        assert (line["position"], line["hash"]) == (position, hash_.hex())
        assert set(line) == {"partition", "position", "digest", "hash"} or line["tenant"] == api.tenant
    assert answer.headers["tidings-heads"] == f"0={len(found)}"
    assert found[-1]["type"] == "AuditRead"  # the read itself, on record before it began
    assert found[-1]["stream"] == f"tenant:{api.tenant}"


async def test_filters_show_ones_own_lines_alone(api: Api, stranger: Api) -> None:
    await stranger.define()
    await stranger.job()
    await api.define()
    job, other = await api.job(), await api.job(again=True)
    _, of_job = await lines(api, job=job)
    assert [line["type"] for line in of_job] == await api.history(job)
    _, of_event = await lines(api, type="JobRequested")
    assert [line["stream"] for line in of_event] == [job, other]
    _, of_type = await lines(api, type="orders.export")
    assert of_type[0]["type"] == "JobTypeDefined"
    assert {line["stream"] for line in of_type} == {"type:orders.export", job, other}
    _, own = await lines(api, tenant=api.tenant)
    assert {line["tenant"] for line in own} == {api.tenant}
    assert (await api.http.get("/v1/audit/events", params={"tenant": stranger.tenant})).status_code == 404
    foreign = await stranger.job(again=True)
    assert (await lines(api, job=foreign))[1] == []


async def test_a_time_is_a_filter_too(api: Api, stranger: Api) -> None:
    """From one moment on and before another one, and the read says so on record."""
    await stranger.define()
    await api.define()
    for n in range(3):
        await api.job(input={"n": n})
    _, own = await lines(api, tenant=api.tenant)
    since, until = str(own[2]["recorded_at"]), str(own[5]["recorded_at"])
    between = [line for line in own if since <= str(line["recorded_at"]) < until]
    assert 0 < len(between) < len(own) - 2
    answer, found = await lines(api, since=since, until=until)
    assert found == between, "and no stubs of others"
    _, reads = await lines(api, type="AuditRead")
    data = [line["data"] for line in reads]
    assert {"since": since, "until": until}.items() <= dict(data[1]).items()  # type: ignore[call-overload]
    named = answer.headers["tidings-read"]
    _, rest = await lines(api, since=since, until=until, after=str(between[0]["position"]), read=named)
    assert rest == between[1:]
    other = {"since": since, "read": named}
    assert pointers(await api.http.get("/v1/audit/events", params=other)) == ["read"]


async def test_further_pages_of_a_read_append_nothing(api: Api) -> None:
    await api.define()
    await api.job()
    first, page = await lines(api, tenant=api.tenant, limit=2)
    head = await api.head()
    rest: list[dict[str, object]] = []
    while True:
        _, more = await lines(api, tenant=api.tenant, limit=2, after=str(([*page, *rest][-1])["position"]),
                              read=first.headers["tidings-read"])  # fmt: skip
        if not more:
            break
        rest += more
    assert await api.head() == head
    assert [line["type"] for line in [*page, *rest]] == ["JobTypeDefined", "JobRequested", "JobQueued", "AuditRead"]
    for params in ({"read": "0:1"}, {"read": "x"}, {"read": first.headers["tidings-read"], "type": "JobQueued"}):
        assert pointers(await api.http.get("/v1/audit/events", params=params)) == ["read"]
    assert await api.head() == head


async def test_a_read_goes_on_after_it_was_archived(api: Api) -> None:
    """Its place names it, and that may stand in a file by now."""
    await api.define()
    first, page = await lines(api, tenant=api.tenant, limit=1)
    await lines(api, tenant=api.tenant)  # the newest line of a tenant's own stream stays in the table
    await archive_all(api.pool, [0], 0, 10_000)
    partition, position = map(int, first.headers["tidings-read"].split(":"))
    there = "select exists (select from events where partition = $1 and position = $2)"
    assert not await api.pool.fetchval(there, partition, position)
    head = await api.head()
    named = first.headers["tidings-read"]
    _, more = await lines(api, tenant=api.tenant, after=str(page[0]["position"]), read=named)
    assert [line["type"] for line in more] == ["AuditRead", "AuditRead"]
    assert await api.head() == head
    for wrong in (f"{partition}:{page[0]['position']}", f"{partition}:{position + 10**6}"):
        assert pointers(await api.http.get("/v1/audit/events", params={"read": wrong})) == ["read"]


async def test_whoever_follows_gets_what_comes(api: Api) -> None:
    await api.define()
    async with api.http.stream("GET", "/v1/audit/events", params={"follow": "true", "tenant": api.tenant}) as answer:
        found = answer.aiter_lines()
        assert [json.loads(await anext(found))["type"] for _ in range(2)] == ["JobTypeDefined", "AuditRead"]
        job = await api.job()
        async with asyncio.timeout(10):
            assert [json.loads(await anext(found))["stream"] for _ in range(2)] == [job, job]


async def test_bad_questions_are_refused_and_leave_nothing_on_record(api: Api) -> None:
    head = await api.head()
    for name, value in (
        ("job", "x"),
        ("type", "?"),
        ("partition", "1"),
        ("after", "-1"),
        ("limit", "0"),
        ("follow", "perhaps"),
        ("since", "yesterday"),
        ("until", "2026-01-01T00:00:00"),
    ):
        assert pointers(await api.http.get("/v1/audit/events", params={name: value})) == [name]
    async with api.pool.acquire() as conn:
        reader = (await create_key(conn, api.tenant, ("read",))).key
    for method, path in (("GET", "events"), ("GET", "checkpoint"), ("POST", "checkpoint")):
        asked = await api.http.request(method, f"/v1/audit/{path}", headers={"Authorization": f"Bearer {reader}"})
        assert asked.status_code == 403
    assert await api.head() == head


async def test_a_checkpoint_is_signed_and_covers_all(api: Api) -> None:
    await api.define()
    answer = await api.http.post("/v1/audit/checkpoint")
    assert answer.status_code == 200, answer.text
    (made,) = answer.json()["checkpoints"]
    key = PublicKey.read(answer.json()["key"])
    head = open_checkpoint(made["note"], [key])
    assert (head.size, head.root.hex(), head.origin) == (made["position"], made["root"], f"{key.name}/0")
    assert made["position"] == await api.head()
    assert len(base64.b64decode(made["signature"])) == 64
    assert (await api.http.get("/v1/audit/checkpoint")).json() == answer.json()


async def test_checkpoints_follow_the_log_by_themselves(api: Api) -> None:
    await api.define()
    head = await api.head()
    covered = 0
    async with asyncio.timeout(5):
        while covered < head:
            found = (await api.http.get("/v1/audit/checkpoint")).json()["checkpoints"]
            covered = sum(each["position"] for each in found)
