"""A network between the service and its database that a test can cut and mend."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Network:
    """Passes bytes on, until it is cut: then everything breaks off and nothing new gets through."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 5432
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._url = url
        self._listening_on = 0

    @property
    def url(self) -> str:
        return self._url.replace(f":{self._port}/", f":{self._listening_on}/")

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._listening_on)
        self._listening_on = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_read, to_write = await asyncio.open_connection(self._host, self._port)
        self._writers |= {writer, to_write}
        await asyncio.gather(_copy(reader, to_write), _copy(to_read, writer))
        self._writers -= {writer, to_write}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def network(url: str) -> AsyncIterator[Network]:
    """Whole at first."""
    made = Network(url)
    await made.mend()
    try:
        yield made
    finally:
        made.cut()
