"""The few words that the API's tests speak: a tenant's client that knows the way of a job."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx

from eventstore.postgres import Pool

EXPORT = "orders.export"
TYPE = {"title": "Export", "stages": [{"name": "reading"}, {"name": "writing", "label": "Writing your file"}]}

Json = dict[str, object]
Headers = Mapping[str, str] | Mapping[bytes, bytes]


class Api:
    """One tenant's calls."""

    def __init__(self, http: httpx.AsyncClient, tenant: str, pool: Pool) -> None:
        self.http = http
        self.tenant = tenant
        self.pool = pool

    async def define(self, name: str = EXPORT, **more: object) -> None:
        answer = await self.http.put(f"/v1/types/{name}", json={**TYPE, **more})
        assert answer.status_code in {200, 201}, answer.text

    async def submit(self, headers: Headers | None = None, /, **more: object) -> httpx.Response:
        body = {"type": EXPORT, "owner": "ann", **more}
        return await self.http.post("/v1/jobs", json=body, headers=headers)

    async def job(self, **more: object) -> str:
        """A new job's id."""
        answer = await self.submit(**more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def claim(self, wait: float = 0, most: int = 1) -> list[Json]:
        body = {"types": [EXPORT], "worker": "w-1", "wait": wait, "max": most}
        answer = await self.http.post("/v1/work/claim", json=body)
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["assignments"]
        return found

    async def report(self, lease: object, verb: str, body: object = None) -> httpx.Response:
        return await self.http.post(f"/v1/work/{lease}/{verb}", json={} if body is None else body)

    async def upload(self, content: bytes, name: str = "orders.csv") -> Json:
        answer = await self.http.post(
            "/v1/uploads", content=content, params={"name": name}, headers={"Content-Type": "text/csv"}
        )
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    async def finished(self, content: bytes = b"a,b\n1,2\n", **more: object) -> str:
        """A job that is finished, its result that file."""
        job = await self.job(**more)
        (assignment,) = await self.claim()
        assert assignment["job"] == job
        result = {"upload": (await self.upload(content))["id"]}
        done = await self.report(assignment["lease"], "finish", {"result": result})
        assert done.status_code == 200, done.text
        return job

    async def view(self, job: str) -> Json:
        answer = await self.http.get(f"/v1/jobs/{job}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def history(self, job: str) -> list[str]:
        answer = await self.http.get(f"/v1/jobs/{job}/events")
        return [event["type"] for event in answer.json()["events"]]

    async def until(self, gauge: str, value: int) -> None:
        """Until the service's own metrics say so: a signal, not a time."""
        async with asyncio.timeout(20):
            while f"\n{gauge} {value:.1f}\n" not in (await self.http.get("/metrics")).text:
                pass

    async def head(self) -> int:
        """The last position of all partitions together: what was written moves it."""
        async with self.pool.acquire() as conn:
            return int(await conn.fetchval("select sum(position) from heads"))

    @asynccontextmanager
    async def stream(
        self, path: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator["Sent"]]:
        async with self.http.stream("GET", path, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield events(answer)


class Sent(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    data: Json


async def events(answer: httpx.Response) -> AsyncIterator[Sent]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if not line and "data" in fields:
            yield Sent(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
        if not line:
            fields = {}
        elif name:
            fields[name] = value


def pointers(answer: httpx.Response) -> Sequence[str]:
    """The fields that a problem names; it has every member that a problem must have."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("https://tidings.dev/problems/")
    for member in ("title", "detail", "next"):
        assert problem[member].strip()
    return [error["pointer"] for error in problem["errors"]]
