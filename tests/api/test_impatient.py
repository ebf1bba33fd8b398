"""The impatient user, fifty times at once: one job, every click on record (promise 2)."""

import asyncio
from collections import Counter

import httpx

from tests.api.client import Api

CLICKS = 50
TYPE = "orders.export"
FILE = b"row,email\n1,ann@example.org\n"


async def clicks(api: Api, bodies: list[dict[str, object]]) -> list[httpx.Response]:
    """Each from a connection of its own, all at the same moment."""
    begin = asyncio.Barrier(len(bodies))

    async def click(body: dict[str, object]) -> httpx.Response:
        async with httpx.AsyncClient(base_url=api.http.base_url, headers=api.http.headers, timeout=60) as http:
            await http.get("/healthz")  # connected before the click
            await begin.wait()
            return await http.post("/v1/jobs", json=body)

    return list(await asyncio.gather(*(click(body) for body in bodies)))


async def one_job_of(api: Api, answers: list[httpx.Response]) -> None:
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: CLICKS - 1}
    jobs = {answer.json()["id"] for answer in answers}
    assert len(jobs) == 1
    job = jobs.pop()
    assert (await api.http.get(f"/v1/jobs/{job}")).json()["clicks"] == CLICKS
    events = (await api.http.get(f"/v1/jobs/{job}/events?limit=200")).json()["events"]
    assert Counter(event["type"] for event in events) == {"JobRequested": 1, "JobQueued": 1, "RequestRepeated": 49}
    repeats = [answer.json() for answer in answers if answer.status_code == 200]
    assert all(view["reopened"] and "already started this" in view["repeat"]["text"] for view in repeats)


async def test_fifty_clicks_at_once_are_one_job(api: Api) -> None:
    await api.http.put(f"/v1/types/{TYPE}", json={"title": "Export"})
    body: dict[str, object] = {"type": TYPE, "owner": "ann", "input": {"month": "march"}, "settings": {"format": "csv"}}
    await one_job_of(api, await clicks(api, [body] * CLICKS))


async def test_the_same_file_uploaded_fifty_times_is_one_job(api: Api) -> None:
    """An upload counts by its content, so fifty copies of a file are the same request."""
    await api.http.put(f"/v1/types/{TYPE}", json={"title": "Import"})
    sent = await asyncio.gather(*(api.http.post("/v1/uploads", content=FILE) for _ in range(CLICKS)))
    uploads = [answer.json()["id"] for answer in sent]
    assert len(set(uploads)) == CLICKS
    bodies: list[dict[str, object]] = [
        {"type": TYPE, "owner": "bob", "input": {"file": {"upload": upload}}} for upload in uploads
    ]
    await one_job_of(api, await clicks(api, bodies))
