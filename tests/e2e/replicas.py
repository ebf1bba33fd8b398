"""Several processes of each role on given servers, each with its way to be killed and begun again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from services.embedded.stack import free_ports
from tests.e2e.processes import TIDINGS, Process, running


class Replicas:
    """By name: `api-0`, `relay-1` …; the part before the dash is the roles, `+` between several."""

    def __init__(self, database_url: str, nats_url: str, files: Path, **settings: str) -> None:
        self._env = {
            "TIDINGS_DATABASE_URL": database_url,
            "TIDINGS_NATS_URL": nats_url,
            "TIDINGS_FILES_URL": files.as_uri(),
            **settings,
        }
        self._ports: dict[str, str] = {}
        self._processes: dict[str, Process] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def begin(self, *names: str) -> None:
        """Until all of them are ready."""
        await asyncio.gather(*(self._begin(name) for name in names))

    async def _begin(self, name: str) -> None:
        """On the port that it had before, if it was there before."""
        port = self._ports.setdefault(name, str(free_ports(1)[0]))
        roles = name.partition("-")[0].replace("+", ",")
        process = running(str(TIDINGS), "serve", "--roles", roles, **self._env, TIDINGS_PORT=port)
        self._processes[name] = await asyncio.to_thread(self._stack.enter_context, process)

    def kill(self, name: str) -> None:
        """As kill -9 does."""
        self._processes[name].popen.kill()
        self._processes[name].popen.wait()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    @asynccontextmanager
    async def client(self, name: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
        limits = httpx.Limits(max_connections=None)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=self.url(name), headers=headers, timeout=30, limits=limits) as http:
            yield http
