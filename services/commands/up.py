"""`tidings up`: both servers, the service in this process, and the demo's workers beside it."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import asyncpg
import msgspec
import structlog

from projections.migrate import migrate
from services.commands.target import CHECKPOINTS, data_folder
from services.embedded.child import Child, begin
from services.embedded.folder import CannotStart, DataFolder, Ready
from services.embedded.stack import EmbeddedStack
from services.keys import create_key, find_key
from services.settings import Settings
from services.telling import configure

log = structlog.get_logger()

TENANT = "default"
WORKERS = 2  # so that a job of a killed one goes on at once on the other
SERVICE_END_MAX_S = 6.0
WORKER_END_MAX_S = 2.0
WORKER_PAUSE_S = 1.0  # before a worker that ended is begun again


async def up(data: Path | None, port: int, *, with_demo: bool) -> int:
    """Run until SIGINT or SIGTERM; 2 where a part can't be kept running."""
    configure()
    stop = stop_on_signals()
    async with whole_stack(data_folder(data), port, stop, with_demo=with_demo) as ready:
        _settle()
        print(msgspec.json.encode(ready).decode(), flush=True)
        log.info("ready", open=ready.url, end="Ctrl-C")
        await stop.wait()
        log.info("ending")
    return 0


def _settle() -> None:
    from services.heap import settle

    settle()


def stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def whole_stack(data: Path, port: int, stop: asyncio.Event, *, with_demo: bool) -> AsyncIterator[Ready]:
    """Everything on one folder; what is begun here has ended when the block is left."""
    with listen(os.environ.get("TIDINGS_HOST") or "127.0.0.1", port) as sock:
        # Loading the service's code takes about as long as the servers take to start, on the other core.
        threading.Thread(target=import_module, args=("services.server",), daemon=True).start()
        log.info("starting PostgreSQL and NATS", data=str(data))
        async with EmbeddedStack(data) as stack:
            settings = _settings(stack, sock, with_demo=with_demo)
            await migrate(stack.database_url, settings.partitions)
            key = await _api_key(stack)
            async with _service(stack, settings, sock, stop):
                ready = _ready(stack, settings, key)
                stack.folder.write_ready(ready)
                async with workers(ready, WORKERS if with_demo else 0, stack.folder):
                    yield ready


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that the port is known and ours before anything else is started."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise CannotStart(
            f"Nothing can listen on {host}:{port}: {error.strerror}.",
            "End what uses that port, or give another with --port (0 takes any free one).",
        ) from error
    return sock


def url_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reachable}:{port}"


def _settings(stack: EmbeddedStack, sock: socket.socket, *, with_demo: bool) -> Settings:
    given = {
        "TIDINGS_DATABASE_URL": stack.database_url,
        "TIDINGS_NATS_URL": stack.nats_url,
        "TIDINGS_DATA": str(stack.folder.root),
        "TIDINGS_PORT": str(sock.getsockname()[1]),
        "TIDINGS_PRIVATE_KEY": os.environ.get("TIDINGS_PRIVATE_KEY") or stack.folder.secrets().private,
        "TIDINGS_CHECKPOINTS_URL": os.environ.get("TIDINGS_CHECKPOINTS_URL")
        or (stack.folder.root / CHECKPOINTS).as_uri(),
        "TIDINGS_DEMO_PAGE": str(with_demo).lower(),
    }
    settings = Settings.from_env({**os.environ, **given})
    return settings if settings.public_url else msgspec.structs.replace(settings, public_url=url_of(sock))


def _ready(stack: EmbeddedStack, settings: Settings, key: str) -> Ready:
    return Ready(
        ready=True,
        url=settings.public_url or "",
        api_key=key,
        tenant=TENANT,
        nats_url=stack.nats_url,
        database_url=stack.database_url,
        admin_database_url=stack.admin_database_url,
        data=str(stack.folder.root),
        pid=os.getpid(),
    )


async def _api_key(stack: EmbeddedStack) -> str:
    """The folder's key, as long as it works, so that a restart leaves clients as they were."""
    conn = await asyncpg.connect(stack.database_url)
    try:
        kept = stack.folder.api_key()
        if kept and await find_key(conn, kept):
            return kept
        made = await create_key(conn, TENANT)
    finally:
        await conn.close()
    stack.folder.keep_api_key(made.key)
    return made.key


@asynccontextmanager
async def _service(
    stack: EmbeddedStack, settings: Settings, sock: socket.socket, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Every role in this process, for as long as the block lasts."""
    from services.server import ROLES, serve

    ready, end = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(settings, ROLES, ready, end, sock=sock))
    watcher = asyncio.create_task(_stop_when_broken(stack, task, stop))
    try:
        await first_of(ready, task)
        if task.done():
            await task
            raise CannotStart("The service ended while starting.", "Its last words above say why.")
        yield
    finally:
        end.set()
        watcher.cancel()
        await asyncio.wait({task}, timeout=SERVICE_END_MAX_S)
        task.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)
    if stack.broken.is_set() or (task.done() and not task.cancelled() and task.exception()):
        raise CannotStart("A part of the stack could not be kept running.", "Its last words above say which.")


async def _stop_when_broken(stack: EmbeddedStack, service: asyncio.Task[None], stop: asyncio.Event) -> None:
    await first_of(stack.broken, service)
    if service.done() and not service.cancelled() and (error := service.exception()):
        log.error("the service ended", exc_info=error)
    stop.set()


async def first_of(event: asyncio.Event, task: asyncio.Task[None]) -> None:
    """Return when the event is set or the task is done; the task runs on."""
    waiting = asyncio.ensure_future(event.wait())
    await asyncio.wait({waiting, task}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


@asynccontextmanager
async def workers(ready: Ready, count: int, folder: DataFolder) -> AsyncIterator[None]:
    """The demo's workers as processes of their own, each begun again when it ends."""
    keepers = [asyncio.create_task(_keep_worker(f"worker-{number}", ready, folder)) for number in range(1, count + 1)]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _keep_worker(name: str, ready: Ready, folder: DataFolder) -> None:
    given = {"TIDINGS_URL": ready.url, "TIDINGS_API_KEY": ready.api_key, "TIDINGS_DATABASE_URL": ready.database_url}
    env = {**os.environ, **given, "TIDINGS_WORKER": name}
    command = [sys.executable, "-m", "services.demo.worker"]
    child: Child | None = None
    try:
        while True:
            child = begin(name, command, log=folder.log(name), env=env)
            await child.exited.wait()
            log.warning("worker ended, starting it again", worker=name, code=child.code)
            await asyncio.sleep(WORKER_PAUSE_S)
    finally:
        if child:
            await child.end(signal.SIGTERM, WORKER_END_MAX_S)
