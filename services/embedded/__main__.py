"""`python -m services.embedded DIR [--hurried]`: the two servers alone.

They run until SIGINT, SIGTERM or the end of the pipe on stdin. Prints one line of JSON when they are ready. For tests
and for tools that bring their own service.
"""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import msgspec

from services.embedded.folder import CannotStart
from services.embedded.stack import EmbeddedStack
from services.telling import configure


async def run(data: Path, *, durable: bool) -> None:
    configure()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):  # a program holds the other end
        loop.add_reader(sys.stdin, _on_input, stop)
    async with EmbeddedStack(data, durable=durable) as stack:
        urls = {
            "database_url": stack.database_url,
            "admin_database_url": stack.admin_database_url,
            "nats_url": stack.nats_url,
        }
        print(msgspec.json.encode(urls).decode(), flush=True)  # noqa: T201 - the line its caller waits for
        await stop.wait()


def _on_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):  # the end of stdin: whoever started us is gone
        asyncio.get_running_loop().remove_reader(sys.stdin)
        stop.set()


if __name__ == "__main__":
    try:
        asyncio.run(run(Path(sys.argv[1]), durable="--hurried" not in sys.argv))
    except CannotStart as refusal:
        sys.exit(str(refusal))
