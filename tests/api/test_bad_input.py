"""What bad input gets: a 4xx problem that names the field and the next step, never a 500, and nothing is written."""

import json
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.api.client import EXPORT, Api, pointers

DEEP = "[" * 200 + "]" * 200
UNKNOWN = "01999999-9999-7999-8999-999999999999"


def submit(**fields: object) -> str:
    return json.dumps({"type": EXPORT, "owner": "ann", **fields})


def raw(field: str, value: str) -> str:
    """A good submit but for one field, spelled as it is here."""
    return submit()[:-1] + f', "{field}": {value}}}'


SUBMITS: dict[str, tuple[str | bytes, list[str]]] = {
    "empty body": (b"", ["/type"]),
    "empty object": ("{}", ["/type"]),
    "broken off": ('{"type": "x"', [""]),
    "no json": ("type=x", [""]),
    "trailing": (submit() + " x", [""]),
    "not utf-8": (b'{"type": "\xff"}', [""]),
    "a list": ("[]", [""]),
    "a number": ("5", [""]),
    "null": ("null", [""]),
    "no owner": (json.dumps({"type": EXPORT}), ["/owner"]),
    "null owner": (submit(owner=None), ["/owner"]),
    "empty owner": (submit(owner=""), ["/owner"]),
    "long owner": (submit(owner="a" * 201), ["/owner"]),
    "owner no text": (submit(owner=5), ["/owner"]),
    "unknown field": (submit(prio=1), ["/prio"]),
    "unknown field to be escaped": (submit(**{"a/b~c": 1}), ["/a~1b~0c"]),
    "unknown type": (submit(type="no.such"), ["/type"]),
    "malformed type": (submit(type="Orders Export"), ["/type"]),
    "type with NUL": (raw("type", '"a\\u0000"'), ["/type"]),
    "priority too high": (submit(priority=101), ["/priority"]),
    "priority no number": (submit(priority="high"), ["/priority"]),
    "negative size": (submit(size=-1), ["/size"]),
    "again no flag": (submit(again="yes"), ["/again"]),
    "time no time": (submit(not_before="tomorrow"), ["/not_before"]),
    "time without zone": (submit(not_before="2026-01-01T00:00:00"), ["/not_before"]),
    "time before all": (submit(not_before="0001-01-01T00:00:00+14:00"), ["/not_before"]),
    "time after all": (submit(not_before="9999-12-31T23:59:59-14:00"), ["/not_before"]),
    "NaN": (raw("input", '{"a": [NaN]}'), ["/input/a/0"]),
    "infinity": (raw("input", '{"a": -Infinity}'), ["/input/a"]),
    "1e400": (raw("size", "1e400"), ["/size"]),
    "1e400 in input": (raw("input", "1e400"), ["/input"]),
    "beyond 2^53": (raw("input", '{"n": [9007199254740993]}'), ["/input/n/0"]),
    "5,000 digits": (raw("input", "9" * 5000), ["/input"]),
    "NUL": (raw("title", '"a\\u0000b"'), ["/title"]),
    "raw NUL": (raw("title", '"a\0b"'), ["/title"]),
    "NUL deep in input": (raw("input", '{"a": [{"b": "\\u0000"}]}'), ["/input/a/0/b"]),
    "NUL in a name": (raw("input", '{"a": {"\\u0000": 1}}'), ["/input/a"]),
    "lone surrogate": (raw("title", '"\\ud800"'), ["/title"]),
    "lone low surrogate": (raw("input", '{"a": "x\\udc00"}'), ["/input/a"]),
    "surrogate in a name": (raw("settings", '{"\\ud800": 1}'), ["/settings"]),
    "too deep": (raw("input", DEEP), ["/input" + "/0" * 100]),
    "bottomless": (raw("input", "[" * 100_000), [""]),
    "unknown upload": (submit(input={"upload": UNKNOWN}), ["/input/upload"]),
    "malformed upload": (submit(input={"files": [{"upload": "x"}]}), ["/input/files/0/upload"]),
}


@pytest.mark.parametrize("case", SUBMITS)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/find"])
async def test_bad_submit(api: Api, case: str, path: str) -> None:
    await api.define()
    body, where = SUBMITS[case]
    before = await api.head()
    answer = await api.http.post(path, content=body)
    assert answer.status_code == 422, answer.text
    assert pointers(answer) == where
    assert await api.head() == before


async def test_json_that_only_looks_bad_is_kept_as_it_is(api: Api) -> None:
    await api.define()
    kept = {
        "text": "\\u0000 and 12345678901234567890",
        "n": 9007199254740991,
        "f": 1e300,
        "deep": json.loads("[" * 90 + "]" * 90),
    }
    job = await api.job(input=kept)
    (assignment,) = await api.claim()
    assert (assignment["job"], assignment["input"]) == (job, kept)


HEADERS: dict[str, tuple[Mapping[str, str], list[str]]] = {
    "actor of no kind": ({"Tidings-Actor": "ann"}, ["Tidings-Actor"]),
    "actor that is us": ({"Tidings-Actor": "system:x"}, ["Tidings-Actor"]),
    "actor too long": ({"Tidings-Actor": "user:" + "a" * 201}, ["Tidings-Actor"]),
    "key too long": ({"Idempotency-Key": "k" * 256}, ["Idempotency-Key"]),
    "key empty": ({"Idempotency-Key": '""'}, ["Idempotency-Key"]),
    "key half quoted": ({"Idempotency-Key": '"abc'}, ["Idempotency-Key"]),
}


@pytest.mark.parametrize("case", HEADERS)
async def test_bad_header(api: Api, case: str) -> None:
    await api.define()
    headers, where = HEADERS[case]
    before = await api.head()
    answer = await api.submit(headers)
    assert answer.status_code == 422
    assert pointers(answer) == where
    assert await api.head() == before


async def test_bad_traceparent_is_ignored_and_a_good_one_kept(api: Api) -> None:
    await api.define()
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await api.submit({"traceparent": "00-0-0-0"}, input=1)
    await api.submit({"traceparent": good}, input=2)
    traces = [assignment["trace"] for assignment in await api.claim(most=2)]
    assert traces == [None, good]


QUERIES: dict[str, tuple[str, list[str]]] = {
    "limit 0": ("/v1/jobs?limit=0", ["limit"]),
    "limit 201": ("/v1/jobs?limit=201", ["limit"]),
    "limit no number": ("/v1/jobs?limit=many", ["limit"]),
    "limit of odd digits": ("/v1/jobs?limit=%D9%A3", ["limit"]),
    "unknown state": ("/v1/jobs?state=lost", ["state"]),
    "bad cursor": ("/v1/jobs?cursor=abc", ["cursor"]),
    "cursor of odd letters": ("/v1/jobs?cursor=%F0%9F%98%80", ["cursor"]),
    "cursor of another list": ("/v1/jobs?cursor=WyJpdGVtcyIsMV0", ["cursor"]),
    "cursor too far": ("/v1/jobs?cursor=WyJqb2JzIiw5OTk5OTk5OTk5OTk5OTk5OTk5OV0", ["cursor"]),
    "NUL in q": ("/v1/jobs?q=a%00b", ["q"]),
    "NUL in owner": ("/v1/jobs?owner=%00", ["owner"]),
    "long q": ("/v1/jobs?q=" + "a" * 501, ["q"]),
    "bad at": ("/v1/jobs/JOB?at=yesterday", ["at"]),
    "at without zone": ("/v1/jobs/JOB?at=2026-01-01T00:00:00", ["at"]),
    "bad after": ("/v1/jobs/JOB?after=x", ["after"]),
    "negative after": ("/v1/jobs/JOB?after=-1", ["after"]),
    "bad wait": ("/v1/jobs/JOB?after=1&wait=soon", ["wait"]),
    "NaN wait": ("/v1/jobs/JOB?after=1&wait=nan", ["wait"]),
    "negative wait": ("/v1/jobs/JOB?after=1&wait=-1", ["wait"]),
    "bad scope": ("/v1/jobs/JOB/retry?scope=some", ["scope"]),
    "bad item state": ("/v1/jobs/JOB/items?state=lost", ["state"]),
    "bad item cursor": ("/v1/jobs/JOB/items?cursor=abc", ["cursor"]),
    "bad event cursor": ("/v1/jobs/JOB/events?cursor=abc", ["cursor"]),
    "bad event limit": ("/v1/jobs/JOB/events?limit=1001", ["limit"]),
    "stream without owner": ("/v1/stream", ["owner"]),
}


@pytest.mark.parametrize("case", QUERIES)
async def test_bad_query(api: Api, case: str) -> None:
    await api.define()
    path, where = QUERIES[case]
    answer = await api.http.get(path.replace("JOB", await api.job()))
    assert answer.status_code == 422, answer.text
    assert pointers(answer) == where


async def test_bad_stream_mark(api: Api) -> None:
    await api.define()
    answer = await api.http.get(f"/v1/jobs/{await api.job()}/stream", headers={"Last-Event-ID": "seven"})
    assert answer.status_code == 422
    assert pointers(answer) == ["Last-Event-ID"]


TYPES: dict[str, tuple[object, list[str]]] = {
    "no title": ({}, ["/title"]),
    "empty title": ({"title": " "}, ["/title"]),
    "unknown field": ({"title": "x", "retries": 3}, ["/retries"]),
    "unknown field inside": ({"title": "x", "retry": {"tries": 3}}, ["/retry/tries"]),
    "stage twice": ({"title": "x", "stages": [{"name": "a"}, {"name": "a"}]}, ["/stages/1/name"]),
    "bad stage": ({"title": "x", "stages": [{"name": "A b"}]}, ["/stages/0/name"]),
    "bad period": ({"title": "x", "dedupe": {"for": "a while"}}, ["/dedupe/for"]),
    "bad path": ({"title": "x", "dedupe": {"same": ["tenant"]}}, ["/dedupe/same/0"]),
    "title in no text": ({"title": {"en": 5}}, ["/title"]),
    "no attempts": ({"title": "x", "retry": {"attempts": 0}}, ["/retry/attempts"]),
}


@pytest.mark.parametrize("case", TYPES)
async def test_bad_type(api: Api, case: str) -> None:
    body, where = TYPES[case]
    before = await api.head()
    answer = await api.http.put("/v1/types/orders.export", json=body)
    assert answer.status_code == 422, answer.text
    assert pointers(answer) == where
    assert await api.head() == before


@pytest.mark.parametrize("name", ["Orders", "a..b", ".a", "1a", "a" * 201])
async def test_bad_type_name(api: Api, name: str) -> None:
    answer = await api.http.put(f"/v1/types/{name}", json={"title": "x"})
    assert answer.status_code == 422
    assert pointers(answer) == ["name"]
    assert (await api.http.get(f"/v1/types/{name}")).status_code == 404


REPORTS: dict[str, tuple[str, object, list[str]]] = {
    "stage without name": ("stage", {}, ["/name"]),
    "unknown stage": ("stage", {"name": "dreaming"}, ["/name"]),
    "progress without done": ("progress", {"total": 5}, ["/done"]),
    "negative progress": ("progress", {"done": -1}, ["/done"]),
    "problem without reason": ("problems", {"items": [{"row": 1}]}, ["/items/0/reason"]),
    "problem of row -1": ("problems", {"items": [{"row": -1, "reason": "x"}]}, ["/items/0/row"]),
    "fail without reason": ("fail", {}, ["/reason"]),
    "needs-fix without text": ("needs-fix", {}, ["/text"]),
    "finish without result": ("finish", {}, ["/result"]),
    "finish with no form": ("finish", {"result": {}}, ["/result"]),
    "finish with two forms": ("finish", {"result": {"inline": {}, "upload": UNKNOWN}}, ["/result"]),
    "finish with an unknown upload": ("finish", {"result": {"upload": UNKNOWN}}, ["/result/upload"]),
    "link without digest": ("finish", {"result": {"href": "https://x.test/f", "size": 1}}, ["/result/sha256"]),
    "link that is none": (
        "finish",
        {"result": {"href": "file:///etc", "size": 1, "sha256": "0" * 64}},
        ["/result/href"],
    ),
    "digest that is none": (
        "finish",
        {"result": {"href": "https://x.test", "size": 1, "sha256": "0"}},
        ["/result/sha256"],
    ),
    "unknown field": ("heartbeat", {"alive": True}, ["/alive"]),
}


@pytest.mark.parametrize("case", REPORTS)
async def test_bad_report(api: Api, case: str) -> None:
    await api.define()
    await api.job()
    (assignment,) = await api.claim()
    verb, body, where = REPORTS[case]
    before = await api.head()
    answer = await api.report(assignment["lease"], verb, body)
    assert answer.status_code == 422, answer.text
    assert pointers(answer) == where
    assert await api.head() == before


CLAIMS: dict[str, tuple[object, list[str]]] = {
    "no types": ({"worker": "w"}, ["/types"]),
    "empty types": ({"types": [], "worker": "w"}, ["/types"]),
    "malformed type": ({"types": ["a.b", "A"], "worker": "w"}, ["/types/1"]),
    "no worker": ({"types": ["a.b"]}, ["/worker"]),
    "negative wait": ({"types": ["a.b"], "worker": "w", "wait": -1}, ["/wait"]),
    "max 0": ({"types": ["a.b"], "worker": "w", "max": 0}, ["/max"]),
}


@pytest.mark.parametrize("case", CLAIMS)
async def test_bad_claim(api: Api, case: str) -> None:
    body, where = CLAIMS[case]
    answer = await api.http.post("/v1/work/claim", json=body)
    assert answer.status_code == 422
    assert pointers(answer) == where


async def test_too_large(api: Api) -> None:
    """The limit is said, and what says its size is refused before it is read."""
    await api.define()
    before = await api.head()
    over = [
        await api.http.post("/v1/jobs", content=b" " * (1024 * 1024 + 1)),
        await api.http.post("/v1/jobs", content=_unsized(1024 * 1024 + 1)),
        await api.submit(input="a" * (256 * 1024)),
        await api.http.post("/v1/jobs/batch", json={"jobs": [{}] * 1001}),
        await api.http.post("/v1/work/report", json={"worker": "w", "reports": [{"lease": "", "verb": ""}] * 1001}),
    ]
    for answer in over:
        assert answer.status_code == 413
        assert any(limit in answer.json()["errors"][0]["detail"] for limit in ("1048576", "262144", "1000")), (
            answer.text
        )
    assert await api.head() == before


async def _unsized(size: int) -> AsyncIterator[bytes]:
    """A body that does not say how large it is."""
    for _ in range(size // 1024 + 1):
        yield b" " * 1024


async def test_too_many_problems(api: Api) -> None:
    await api.define()
    await api.job()
    (assignment,) = await api.claim()
    items = [{"row": n, "reason": "bad"} for n in range(1001)]
    answer = await api.report(assignment["lease"], "problems", {"items": items})
    assert answer.status_code == 413
    assert "1000" in answer.json()["detail"].replace(",", "")


async def test_unknown_calls(api: Api) -> None:
    assert (await api.http.get("/v1/nothing")).status_code == 404
    answer = await api.http.delete("/v1/jobs")
    assert answer.status_code == 405
    assert pointers(answer) == []


async def test_words_in_the_readers_language(api: Api) -> None:
    english = await api.http.get("/v1/nothing", headers={"Accept-Language": "fr"})
    german = await api.http.get("/v1/nothing", headers={"Accept-Language": "de-AT, en;q=0.5"})
    assert german.headers["content-language"] == "de"
    assert german.json()["title"] != english.json()["title"]
