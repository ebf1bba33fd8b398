"""A FastAPI app that does nothing: the most that a route of it can answer, on the server that ours runs on."""

import asyncio
import json
import socket

import uvicorn
import uvloop
from fastapi import FastAPI, Request, Response

app = FastAPI(openapi_url=None)


@app.post("/v1/jobs")
async def submit(request: Request) -> Response:
    """Takes the body, says nothing."""
    await request.body()
    return Response(b'{"ok":true}', 201, media_type="application/json")


@app.get("/v1/jobs/{id}")
async def get(id: str) -> Response:  # noqa: ARG001 - the route's own parameter
    """Says nothing."""
    return Response(b'{"ok":true}', media_type="application/json")


async def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", log_config=None, access_log=False)
        print(json.dumps({"url": f"http://127.0.0.1:{sock.getsockname()[1]}"}), flush=True)
        await uvicorn.Server(config).serve(sockets=[sock])


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main())
