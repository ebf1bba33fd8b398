"""`tidings serve`: chosen roles on servers that somebody else keeps."""

import asyncio
import os

import msgspec
import structlog

from projections.migrate import migrate
from services.commands.up import first_of, listen, stop_on_signals, url_of
from services.embedded.folder import CannotStart
from services.heap import settle
from services.server import ALL_ROLES
from services.server import serve as run
from services.settings import Settings
from services.telling import configure

log = structlog.get_logger()


async def serve(roles: str) -> int:
    """Run until SIGINT or SIGTERM; one line of JSON on stdout says that it is ready."""
    chosen = _roles(roles)
    settings = Settings.from_env(os.environ)
    configure(settings.log_level)
    stop, ready = stop_on_signals(), asyncio.Event()
    await migrate(settings.database_url, settings.partitions)
    with listen(settings.host, settings.port) as sock:
        service = asyncio.create_task(run(settings, chosen, ready, stop, sock=sock))
        await first_of(ready, service)
        if ready.is_set():
            settle()
            line = {
                "ready": True,
                "url": settings.public_url or url_of(sock),
                "roles": sorted(chosen),
                "pid": os.getpid(),
            }
            print(msgspec.json.encode(line).decode(), flush=True)
        await service
    return 0 if stop.is_set() else 2


def _roles(words: str) -> frozenset[str]:
    chosen = frozenset(word.strip() for word in words.split(",") if word.strip())
    unknown = chosen - ALL_ROLES
    if unknown or not chosen:
        raise CannotStart(
            f"Unknown roles: {', '.join(sorted(unknown)) or 'none given'}.",
            f"There are {', '.join(sorted(ALL_ROLES))}.",
        )
    return chosen
