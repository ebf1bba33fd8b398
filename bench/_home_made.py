"""What a product has before it has Tidings: a jobs table behind FastAPI. `python -m bench._home_made DATABASE_URL`."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import BaseModel

TABLE = """create table home (id bigint generated always as identity primary key, type text, owner text, input jsonb,
    settings jsonb, state text default 'queued', at timestamptz default now())"""
INSERT = "insert into home (type, owner, input, settings) values ($1, $2, $3, $4) returning id"


class Job(BaseModel):
    type: str
    owner: str
    input: dict[str, object]
    settings: dict[str, object]


@asynccontextmanager
async def pool_of(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(sys.argv[1], min_size=4, max_size=16) as app.state.pool:
        await app.state.pool.execute(TABLE)
        yield


app = FastAPI(openapi_url=None, lifespan=pool_of)


@app.post("/v1/jobs", status_code=201)
async def submit(job: Job) -> dict[str, object]:
    words = job.type, job.owner, json.dumps(job.input), json.dumps(job.settings)
    return {"id": await app.state.pool.fetchval(INSERT, *words), "state": "queued"}


async def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(app, http="httptools", ws="none", log_config=None, access_log=False)
        print(json.dumps({"url": f"http://127.0.0.1:{sock.getsockname()[1]}"}), flush=True)
        await uvicorn.Server(config).serve(sockets=[sock])


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main())
