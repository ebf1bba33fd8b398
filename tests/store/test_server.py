"""One process with every role: it answers, its timers work, and it ends in bounded time with open streams."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventstore.postgres import Pool
from schemas.ids import uuid7
from schemas.states import State
from services.keys import create_key
from services.server import API, ORCHESTRATOR, PROJECTOR, ROLES, STOP_MAX_S, serve
from services.settings import Settings

WAIT_S = 15


@asynccontextmanager
async def serving(
    database: str, files: Path, roles: frozenset[str] = ROLES
) -> AsyncIterator[tuple[str, asyncio.Event]]:
    settings = Settings(database_url=database, files_url=files.as_uri())
    ready, stop = asyncio.Event(), asyncio.Event()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        task = asyncio.create_task(serve(settings, roles, ready, stop, sock=sock))
        try:
            async with asyncio.timeout(WAIT_S):
                await ready.wait()
            yield f"http://127.0.0.1:{sock.getsockname()[1]}", stop
        finally:
            stop.set()
            async with asyncio.timeout(STOP_MAX_S + 1):
                await task


@pytest.fixture
async def headers(pool: Pool, tenant: str) -> dict[str, str]:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant)
    return {"Authorization": f"Bearer {made.key}"}


async def test_a_job_by_its_hours(database: str, pool: Pool, tmp_path: Path, headers: dict[str, str]) -> None:
    """Submitted for later, told by the orchestrator when its time came, seen on a stream, counted by the projector."""
    async with serving(database, tmp_path) as (url, stop), httpx.AsyncClient(base_url=url, headers=headers) as client:
        assert (await client.get("/readyz")).status_code == 200
        await client.put("/v1/types/export", json={"title": "Export"})
        soon = await pool.fetchval("select to_json(clock_timestamp() + interval '0.4 s')::text")
        body = {"type": "export", "owner": "ann", "not_before": soon.strip('"')}
        answers = [await client.post("/v1/jobs", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 200]
        job = answers[0].json()["id"]
        wish, seen, claiming = {"types": ["export"], "worker": "w-1", "wait": WAIT_S}, "", None
        async with client.stream("GET", f"/v1/jobs/{job}/stream", timeout=WAIT_S) as stream:
            async for line in stream.aiter_lines():
                seen += line
                if '"version":4' in line and claiming is None:  # a claim that comes first does not wait to be told
                    claiming = asyncio.create_task(client.post("/v1/work/claim", json=wish, timeout=WAIT_S))
                if f'"state":"{State.RUNNING}"' in line:
                    stop.set()
        assert f'"state":"{State.QUEUED}"' in seen
        assert claiming
        assert [each["job"] for each in (await claiming).json()["assignments"]] == [job]
    types = await pool.fetch("select type from events where stream = $1 order by version", job)
    assert [row["type"] for row in types] == [
        "JobRequested",
        "JobQueued",
        "RequestRepeated",
        "JobQueued",
        "AttemptStarted",
    ]


async def test_without_the_api_it_works_in_the_background(database: str, pool: Pool, tmp_path: Path) -> None:
    async with serving(database, tmp_path, frozenset({ORCHESTRATOR, PROJECTOR})) as (url, _):
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/readyz")).json() == {"ready": True}
            assert (await client.get("/v1/types")).status_code == 404, "only its health is to be asked for"
        assert await pool.fetchval("select count(*) from pg_stat_activity where datname = current_database()") > 1


async def test_no_database_is_told_at_once(tmp_path: Path) -> None:
    settings = Settings(database_url=f"postgresql://nobody:x@127.0.0.1:1/{uuid7()}", files_url=tmp_path.as_uri())
    with pytest.raises(OSError, match="Connect"):
        await serve(settings, frozenset({API}), asyncio.Event(), asyncio.Event())
