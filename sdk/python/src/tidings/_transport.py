"""The one seam to the service: a call goes out, a reply comes back. HTTP stands here, NATS beside it in `_nats.py`."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import aiohttp
import msgspec

from tidings._errors import BadAnswer, NotCarried, Unavailable, Unreachable, refusal
from tidings._events import Event, sse

File = bytes | Path | AsyncIterable[bytes]
T = TypeVar("T")
CONNECTIONS_MAX = 200
CONNECT_MAX_S = 5.0
IDLE_MAX_S = 4.0  # a second less than the service keeps an idle connection, so none is used as it is closed


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The same call for each carrier: HTTP takes `method`, `path` and `query`, NATS takes `subject` and `job`."""

    method: str = "POST"
    path: str = ""  # none: NATS alone carries it
    subject: str = ""  # what NATS calls it, such as `api.submit`; none: HTTP alone carries it
    job: str = ""
    query: Mapping[str, object] = {}
    headers: Mapping[str, str] = {}
    body: Mapping[str, object] | File = b""  # a mapping goes as JSON
    timeout_s: float = 15.0  # the longest silence, not the whole of it


class Reply(msgspec.Struct, frozen=True):
    """The beginning of an answer; the rest comes in chunks."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, type: type[T]) -> T:
        try:
            return msgspec.json.decode(self.body, type=type)
        except msgspec.DecodeError as error:
            raise BadAnswer(f"The answer can't be read: {error}") from error


class Transport(Protocol):
    """Carries one call, once. It raises Unreachable where no answer comes.

    `follow`: what a job's stream says. `hangs_up`: the service notices when a call is given up.
    """

    hangs_up: bool

    def open(self, call: Call) -> AbstractAsyncContextManager[Reply]: ...

    def follow(self, call: Call) -> AbstractAsyncContextManager[AsyncIterator[Event]]: ...

    async def close(self) -> None: ...


class HttpTransport:
    """`url`: what every call's path is put behind. The proxies of the environment are heeded."""

    hangs_up = True

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._made: aiohttp.ClientSession | None = None

    @property
    def _http(self) -> aiohttp.ClientSession:
        """Made with the first call, as it belongs to the loop that runs then."""
        if self._made is None:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=IDLE_MAX_S)
            self._made = aiohttp.ClientSession(connector=connector, trust_env=True)
        return self._made

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[Reply]:
        if not call.path:
            raise NotCarried("This goes over NATS alone. Give a nats:// URL; nothing was sent.")
        headers, content = dict(call.headers), call.body
        if isinstance(content, Mapping):
            content = msgspec.json.encode(content)
        elif isinstance(content, Path):
            headers["Content-Length"] = str(content.stat().st_size)
            content = _chunks(content)
        query = {name: str(value) for name, value in call.query.items() if value is not None}
        limit = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_MAX_S, sock_read=call.timeout_s)
        sending = self._http.request(
            call.method, self._url + call.path, params=query, headers=headers, data=content, timeout=limit
        )
        try:
            async with sending as response:
                yield Reply(response.status, response.headers, response.content.iter_any())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"No answer from {self._url}: {str(error) or type(error).__name__}") from error

    @asynccontextmanager
    async def follow(self, call: Call) -> AsyncIterator[AsyncIterator[Event]]:
        async with self.open(call) as reply:
            yield sse((await accept(reply)).chunks)

    async def close(self) -> None:
        if self._made:
            await self._made.close()


class Link:
    """Gives a write its key, resends what got no answer, and raises what was refused."""

    def __init__(self, transport: Transport, *, headers: Mapping[str, str], resend_for_s: float) -> None:
        self.transport, self._headers, self._resend_for_s = transport, headers, resend_for_s

    def with_header(self, name: str, value: str) -> "Link":
        return Link(self.transport, headers={**self._headers, name: value}, resend_for_s=self._resend_for_s)

    async def ask(self, call: Call, *, resend: bool = True) -> Answer:
        """The key is made here, once for all resends, so nothing is done twice. A one-way stream is sent once."""
        own: dict[str, str] = {}
        if call.method != "GET":
            kind = "application/json" if isinstance(call.body, Mapping) else "application/octet-stream"
            own = {"Content-Type": kind} | ({"Idempotency-Key": uuid.uuid4().hex} if resend else {})
        keyed = msgspec.structs.replace(call, headers={**own, **call.headers})

        async def attempt() -> Answer:
            async with self.open(keyed) as reply:
                return Answer(reply.status, reply.headers, await whole(reply))

        once = not resend or not isinstance(call.body, bytes | Path | Mapping)
        return await (attempt() if once else self.resending(attempt))

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[Reply]:
        async with self.transport.open(self._signed(call)) as reply:
            yield await accept(reply)

    def follow(self, call: Call) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        return self.transport.follow(self._signed(call))

    def _signed(self, call: Call) -> Call:
        return msgspec.structs.replace(call, headers={**self._headers, **call.headers})

    async def resending(self, attempt: Callable[[], Awaitable[T]]) -> T:
        pauses = Backoff(first_s=0.1, max_s=2.0)
        give_up_at = time.monotonic() + self._resend_for_s
        while True:
            try:
                return await attempt()
            except (Unreachable, Unavailable) as error:
                again = isinstance(error, Unreachable) or error.problem.status in {429, 502, 503}
                if not again or time.monotonic() >= give_up_at:
                    raise
            await pauses.sleep()

    async def close(self) -> None:
        await self.transport.close()


class Backoff:
    """Pauses that double up to a bound, with jitter, so that many callers don't come back at one moment."""

    def __init__(self, *, first_s: float, max_s: float) -> None:
        self._first_s, self._max_s, self._next_s = first_s, max_s, first_s

    def reset(self) -> None:
        self._next_s = self._first_s

    async def sleep(self) -> None:
        pause_s, self._next_s = self._next_s, min(self._next_s * 2, self._max_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spread, not secrecy


async def accept(reply: Reply) -> Reply:
    """The reply, or the refusal that it is."""
    if reply.status >= 400:
        raise refusal(reply.status, await whole(reply))
    return reply


async def whole(reply: Reply) -> bytes:
    return b"".join([chunk async for chunk in reply.chunks])


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, 256 * 1024):
            yield chunk
