"""Thousands of screens on one API process: each a plain socket that reads one job's stream and minds its versions."""

import asyncio
import re
from urllib.parse import urlsplit

from schemas.states import State

LINE_MAX_BYTES = 1024 * 1024

_FINISHED = f'"state":"{State.FINISHED}"'.encode()
_ID = re.compile(rb"^id: [0-9]+:[0-9]+\.([0-9]+)\r?\n$")


class Screen:
    """One job on one screen. `version` only rises, across every cut."""

    def __init__(self, url: str, key: str, job: str) -> None:
        place = urlsplit(url)
        self._place = (str(place.hostname), int(place.port or 0))
        self._ask = (
            f"GET /v1/jobs/{job}/stream HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {key}\r\n"
            "Accept: text/event-stream\r\n"
        )
        self.job = job
        self.version = 0
        self.finished = False
        self._mark = ""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> None:
        """Until the first state is there; resumed by the last mark."""
        self._reader, self._writer = await asyncio.open_connection(*self._place, limit=LINE_MAX_BYTES)
        resumed = f"Last-Event-ID: {self._mark}\r\n" if self._mark else ""
        self._writer.write(f"{self._ask}{resumed}\r\n".encode())
        status = await self._reader.readline()
        assert b" 200 " in status, status
        await self._next(at_least=self.version)

    async def cut(self) -> None:
        """As a laptop that is closed and opened again."""
        self.close()
        await self.open()

    def close(self) -> None:
        self._writer.transport.abort()

    async def until(self, version: int) -> None:
        """Read on until the job is there."""
        while self.version < version:
            await self._next(at_least=self.version + 1)

    async def until_finished(self) -> None:
        while not self.finished:
            await self._next(at_least=self.version + 1)

    async def _next(self, *, at_least: int) -> None:
        """The next state; a snapshot may say again what was seen last, nothing else may. A wait is of that state."""
        while (await self._line(b"event: ")).strip() == b"event: wait":
            assert await self._mark_line() == self.version, "a wait of another state"
        version = await self._mark_line()
        assert version >= at_least, "a status went back"
        self.version = version
        self.finished = _FINISHED in await self._line(b"data: ")

    async def _mark_line(self) -> int:
        """The version that it names, which is where a cut stream is resumed."""
        found = _ID.match(await self._line(b"id: "))
        assert found
        self._mark = found[0].decode().removeprefix("id: ").strip()
        return int(found[1])

    async def _line(self, begin: bytes) -> bytes:
        while line := await self._reader.readline():
            if line.startswith(begin):
                return line
        raise AssertionError("the stream ended")
