"""The demo on the embedded stack, whose folder keeps the results."""

from pathlib import Path

from services.demo.run import run_demo
from services.embedded.folder import Ready


async def show(ready: Ready, *, as_json: bool) -> int:
    return await run_demo(ready.url, ready.api_key, ready.database_url, Path(ready.data) / "demo", as_json)
