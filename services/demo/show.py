"""The demo on the embedded stack, whose folder keeps the results."""

from functools import partial
from pathlib import Path

from services.demo.crew import workers_of
from services.demo.run import run_demo
from services.embedded.folder import Ready


async def show(ready: Ready, *, as_json: bool) -> int:
    data = Path(ready.data)
    neighbours = partial(workers_of, ready.pid, data / "logs")
    return await run_demo(ready.url, ready.api_key, ready.database_url, data / "demo", as_json, neighbours)
