"""`tidings demo`: on the stack that runs on the folder, or on one that is started for the while."""

import asyncio
import sys
from pathlib import Path

from services.commands.target import data_folder, running
from services.commands.up import whole_stack
from services.demo.show import show
from services.telling import configure


async def demo(data: Path | None, *, as_json: bool) -> int:
    configure("warning" if sys.stderr.isatty() else None)
    if ready := running(data):
        return await show(ready, as_json=as_json)
    async with whole_stack(data_folder(data), 0, asyncio.Event(), with_demo=False) as ready:
        return await show(ready, as_json=as_json)
