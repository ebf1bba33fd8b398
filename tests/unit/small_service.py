"""A real HTTP server of a few lines, which answers as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Asked(msgspec.Struct, frozen=True):
    method: str
    path: str  # with its query
    headers: dict[str, str]
    body: bytes

    def read(self, type: type[T]) -> T:
        return msgspec.json.decode(self.body, type=type)


class Said(msgspec.Struct, frozen=True):
    """An answer; `breaks` ends the connection before the body is whole."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}
    breaks: bool = False


Answering = Callable[[Asked], Awaitable[Said | None]]  # None: hang up without a word


def said(body: object, status: int = 200) -> Said:
    return Said(status, msgspec.json.encode(body), {"content-type": "application/json"})


@asynccontextmanager
async def small_service(answering: Answering) -> AsyncIterator[str]:
    """Its URL, for as long as the block lasts."""

    open_calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            answer = await answering(await _read(reader))
            if answer is not None:
                length = len(answer.body) + (1 if answer.breaks else 0)
                headers = {"content-length": str(length), "connection": "close", **answer.headers}
                head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {answer.status} Said\r\n{head}\r\n".encode() + answer.body)
                await writer.drain()
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_calls.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for call in open_calls:
            call.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        return Asked(method, path, headers, await _chunked(reader))
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:size]
    await reader.readline()
    return body
