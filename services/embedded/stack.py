"""Both servers, begun together on free ports, begun again when one dies by itself, and ended together."""

import asyncio
import contextlib
import socket
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from services.embedded.child import Child, end_leftovers
from services.embedded.folder import CannotStart, DataFolder
from services.embedded.nats import Nats
from services.embedded.postgres import Postgres

log = structlog.get_logger()

READY_MAX_S = 30.0  # a crash recovery of Postgres may have much to replay
END_MAX_S = 6.0  # for both together; a stack has 15 s for everything
RESTARTS_MAX = 5  # within a minute; a server that dies more often needs a person
_LOOK_S = 0.05  # between two looks at a server that is starting


class EmbeddedStack:
    """PostgreSQL and NATS below `data`, for as long as the `async with` lasts; the folder is locked meanwhile."""

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.folder = DataFolder(data)
        self.broken = asyncio.Event()  # a server could not be kept running
        self._durable = durable
        self._children: dict[str, Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._postgres: Postgres
        self._nats: Nats

    @property
    def database_url(self) -> str:
        """As the service's own role, which owns the database."""
        return self._postgres.url()

    @property
    def admin_database_url(self) -> str:
        """As the superuser."""
        return self._postgres.url("postgres")

    @property
    def nats_url(self) -> str:
        return self._nats.url()

    async def __aenter__(self) -> Self:
        self.folder.__enter__()
        try:
            secrets = self.folder.secrets()
            ports = free_ports(2)
            self._postgres = Postgres(self.folder, secrets, ports[0], durable=self._durable)
            self._nats = Nats(self.folder, secrets, ports[1], durable=self._durable)
            await asyncio.gather(self._start(self._nats), self._start(self._postgres))
            self._keepers = [asyncio.create_task(self._keep(server)) for server in (self._nats, self._postgres)]
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._end()

    async def _start(self, server: Postgres | Nats) -> None:
        await asyncio.to_thread(server.prepare)
        child = self._children[server.name] = server.begin()
        try:
            async with asyncio.timeout(READY_MAX_S):
                while not await server.answers():
                    if child.exited.is_set():
                        raise self._failure(server.name, f"ended with code {child.code} while starting")
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError as error:
            raise self._failure(server.name, f"gave no answer within {READY_MAX_S:.0f} seconds") from error

    def _failure(self, name: str, what: str) -> CannotStart:
        path = self.folder.log(name)
        words = path.read_text(errors="replace").strip().splitlines()[-3:] if path.exists() else []
        return CannotStart(f"{name} {what}: {' / '.join(words)}", f"Its whole log is {path}.")

    async def _keep(self, server: Postgres | Nats) -> None:
        """Begin a server again, on its port, each time it ends by itself: clients reconnect and go on."""
        loop = asyncio.get_running_loop()
        restarts: deque[float] = deque(maxlen=RESTARTS_MAX)
        while True:
            child = self._children[server.name]
            await child.exited.wait()
            log.warning("server ended, starting it again", server=server.name, code=child.code)
            if len(restarts) == RESTARTS_MAX and loop.time() - restarts[0] < 60:
                log.error("server ends too often", server=server.name, log=str(self.folder.log(server.name)))
                return self.broken.set()
            restarts.append(loop.time())
            try:
                await self._start(server)
                log.info("server is back", server=server.name)
            except CannotStart as failure:
                log.error("server can't be started again", problem=failure.problem, next=failure.next_step)
                return self.broken.set()

    async def _end(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        servers = [(child, Nats if name == Nats.name else Postgres) for name, child in self._children.items()]
        await asyncio.gather(*(child.end(server.stop_signal, END_MAX_S) for child, server in servers))
        with contextlib.suppress(OSError):
            await asyncio.to_thread(end_leftovers, self.folder.postgres)
        self.folder.__exit__(None, None, None)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, each another one."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
