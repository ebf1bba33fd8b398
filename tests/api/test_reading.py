"""Reading one job, now, then and when it changes; and the history, page by page."""

import asyncio
from datetime import datetime, timedelta

from schemas.states import State
from tests.api.client import EXPORT, Api


async def test_what_is_known_is_not_sent_again(api: Api) -> None:
    await api.define()
    job = await api.job()
    first = await api.http.get(f"/v1/jobs/{job}")
    tag = first.headers["etag"]
    for known in (tag, f'"x", W/{tag}', "*"):
        again = await api.http.get(f"/v1/jobs/{job}", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    german = await api.http.get(f"/v1/jobs/{job}", headers={"If-None-Match": tag, "Accept-Language": "de"})
    assert german.status_code == 200
    await api.submit()
    newer = await api.http.get(f"/v1/jobs/{job}", headers={"If-None-Match": tag})
    assert newer.status_code == 200
    assert newer.headers["etag"] != tag


async def test_long_poll_answers_at_once_above_and_304_at_the_end(api: Api) -> None:
    await api.define()
    job = await api.job()
    above = await api.http.get(f"/v1/jobs/{job}", params={"after": 1, "wait": 20})
    assert (above.status_code, above.json()["version"]) == (200, 2)
    for wait in (0, 0.05):
        answer = await api.http.get(f"/v1/jobs/{job}", params={"after": 2, "wait": wait})
        assert answer.status_code == 304


async def test_long_poll_is_woken_by_the_change(api: Api) -> None:
    """The looks at the database are half a minute apart here: only the wake-up explains an answer before that."""
    await api.define()
    job = await api.job()
    polls = [asyncio.create_task(api.http.get(f"/v1/jobs/{job}", params={"after": 2, "wait": 20})) for _ in range(5)]
    await api.until("tidings_streams", 5)
    async with asyncio.timeout(5):
        await api.submit()
        answers = await asyncio.gather(*polls)
    assert [(answer.status_code, answer.json()["version"]) for answer in answers] == [(200, 3)] * 5


async def test_every_past_moment_can_be_shown(api: Api) -> None:
    """Promise 6."""
    await api.define()
    job = await api.job()
    views = [await api.view(job)]
    (assignment,) = await api.claim()
    for verb, body in (("stage", {"name": "reading"}), ("progress", {"done": 1, "total": 2}), ("release", {})):
        await api.report(assignment["lease"], verb, body)
        views.append(await api.view(job))
    for view in views:
        then = (await api.http.get(f"/v1/jobs/{job}", params={"at": str(view["updated_at"])})).json()
        assert {**then, "wait": None} == {**view, "wait": None, "waiting": None}  # these are of the moment
    created = datetime.fromisoformat(str(views[0]["created_at"]))
    before = await api.http.get(f"/v1/jobs/{job}", params={"at": (created - timedelta(microseconds=1)).isoformat()})
    assert before.status_code == 404
    spaced = str(views[0]["updated_at"]).replace("Z", "+00:00")
    assert (await api.http.get(f"/v1/jobs/{job}?at={spaced}")).status_code == 200  # a bare + is a space by the rules


async def test_the_history_is_paged_newest_first(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    jobs = [await api.job(input=n) for n in range(7)]
    found, params = [], {"limit": "3"}
    while True:
        page = (await api.http.get("/v1/jobs", params=params)).json()
        assert len(page["jobs"]) <= 3
        found += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
        await api.job(input="later")  # never moves the pages that follow
    assert found == jobs[::-1]


async def test_the_history_is_filtered(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    await api.define("notes.summary", title="Summaries")
    ann = await api.job(title="Orders 100% of_May")
    bob = await api.job(owner="bob", title="Orders of June")
    await api.submit(type="notes.summary", owner="bob")
    await api.http.post(f"/v1/jobs/{bob}/cancel")
    ref = (await api.view(ann))["ref"]

    async def ids(**params: str) -> list[str]:
        return [job["id"] for job in (await api.http.get("/v1/jobs", params=params)).json()["jobs"]]

    assert await ids(owner="ann") == [ann]
    assert await ids(owner="bob", type=EXPORT) == [bob]
    assert await ids(state=State.CANCELED.value) == [bob]
    assert await ids(owner="ann", state=State.CANCELED.value) == []
    assert await ids(q="100% of_may") == [ann]
    assert await ids(q="_00%") == []
    assert await ids(q=str(ref).lower()) == [ann]
    assert await ids(q=ann.upper()) == [ann]
    assert await ids(q="orders", owner="bob") == [bob]
    assert await ids(type="no.such") == []


async def test_the_history_is_sealed_byte_for_byte(api: Api) -> None:
    await api.define()
    job = await api.job()
    await api.submit()
    async with api.pool.acquire() as conn:
        rows = await conn.fetch("select line, hash from events where stream = $1 order by version", job)
    sealed = [row["line"][:-1] + b',"hash":"' + row["hash"].hex().encode() + b'"}' for row in rows]
    answer = await api.http.get(f"/v1/jobs/{job}/events")
    assert answer.content == b'{"events":[' + b",".join(sealed) + b'],"next":null}'
    page = await api.http.get(f"/v1/jobs/{job}/events", params={"limit": 2})
    rest = await api.http.get(f"/v1/jobs/{job}/events", params={"limit": 2, "cursor": page.json()["next"]})
    assert page.json()["events"] + rest.json()["events"] == answer.json()["events"]
    assert rest.json()["next"] is None
