"""Submits and reads over HTTP by 64 connections that never wait for themselves, beside an empty FastAPI app.

`python -m bench.load [SECONDS] [NAME …]`. Every connection sends its next request the moment its answer is there. The
client (`Load`) is a bare protocol on a socket: a comfortable HTTP client would be the slowest part of the run.
"""

import asyncio
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import uvloop
from msgspec import Struct

TIDINGS = Path(sys.executable).parent / "tidings"
CONNECTIONS = 64
BATCH = 500
READ_JOBS = 1000
TYPE = "bench.load"
IDLE_SHARE, IDLE_MAX_S = 25.0, 180.0  # of a core, and how long that is waited for

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

NextRequest = Callable[[], bytes | None]  # a whole request, or None where this connection is done


class Load(Struct):
    """What one run of `load` saw. `failed` holds the first answer that was no 2xx."""

    seconds: float
    took_s: list[float]
    statuses: Counter[int]
    failed: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second that were a 2xx or 3xx."""
        return sum(count for status, count in self.statuses.items() if status < 400) / self.seconds

    def ms(self, share: float) -> float:
        """The latency that this share of the requests kept, in milliseconds."""
        ordered = sorted(self.took_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class _Connection(asyncio.Protocol):
    """One keep-alive connection: a request out, its answer in, the next one out."""

    def __init__(self, source: NextRequest, seen: Load, keep: Callable[[bytes], None] | None) -> None:
        self._source = source
        self._seen = seen
        self._keep = keep
        self._buffer = b""
        self._whole = 0  # bytes of the answer, 0 until its head is there
        self._body = 0
        self._began = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send()

    def _send(self) -> None:
        request = self._source()
        if request is None:
            self._transport.close()
            return
        self._whole = 0
        self._began = time.perf_counter()
        self._transport.write(request)  # type: ignore[attr-defined]  # a write transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._whole:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._body = end + 4
            length = _LENGTH.search(self._buffer, 0, end)
            self._whole = self._body + (int(length[1]) if length else 0)
        if len(self._buffer) >= self._whole:
            self._answered(self._buffer)

    def _answered(self, answer: bytes) -> None:
        status = int(answer[9:12])
        self._seen.took_s.append(time.perf_counter() - self._began)
        self._seen.statuses[status] += 1
        if status >= 400 and not self._seen.failed:
            self._seen.failed = answer
        if self._keep:
            self._keep(answer[self._body : self._whole])
        self._buffer = answer[self._whole :]
        self._send()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - the protocol's form
        if not self.done.done():
            self.done.set_result(None)


def request(method: str, path: str, key: str, body: bytes | None = None) -> bytes:
    """The bytes of one request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
    if body is None:
        return f"{head}\r\n".encode()
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def load(
    url: str,
    sources: Callable[[int], NextRequest],
    seconds: float,
    *,
    connections: int = CONNECTIONS,
    keep: Callable[[bytes], None] | None = None,
) -> Load:
    """Closed loop: `sources(n)` gives the requests of connection n. `keep` sees each answer's body."""
    place = urlsplit(url)
    seen = Load(0.0, [], Counter())
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    opened = []
    for n in range(connections):
        source = _until(sources(n), until)
        _, made = await loop.create_connection(
            lambda source=source: _Connection(source, seen, keep),  # type: ignore[misc]
            place.hostname,
            place.port,
        )
        opened.append(made)
    await asyncio.gather(*(each.done for each in opened))
    seen.seconds = time.perf_counter() - began
    return seen


def _until(source: NextRequest, until: float) -> NextRequest:
    return lambda: None if time.perf_counter() > until else source()


def new_jobs(key: str, path: str = "/v1/jobs") -> Callable[[int], NextRequest]:
    """Each a click of its own, as a product's page sends it."""
    run = os.urandom(4).hex()
    numbers = iter(range(1 << 62))

    def source(_: int) -> NextRequest:
        return lambda: request("POST", path, key, _click(f"{run}-{next(numbers)}"))

    return source


def one_click(key: str) -> Callable[[int], NextRequest]:
    """Everybody repeats the same click."""
    same = request("POST", "/v1/jobs", key, _click(os.urandom(4).hex()))
    return lambda _: lambda: same


def batches(key: str) -> Callable[[int], NextRequest]:
    """New jobs, 500 in one call."""
    run = os.urandom(4).hex()
    numbers = iter(range(1 << 62))

    def body() -> bytes:
        first = next(numbers) * BATCH
        jobs = b",".join(_click(f"{run}-{n}") for n in range(first, first + BATCH))
        return b'{"jobs":[%s]}' % jobs

    return lambda _: lambda: request("POST", "/v1/jobs/batch", key, body())


def reads(key: str, jobs: list[str]) -> Callable[[int], NextRequest]:
    """GET of one job after another."""
    gets = [request("GET", f"/v1/jobs/{job}", key) for job in jobs]

    def source(n: int) -> NextRequest:
        numbers = iter(range(n * 31, 1 << 62))
        return lambda: gets[next(numbers) % len(gets)]

    return source


def _click(name: str) -> bytes:
    return (
        b'{"type":"%s","owner":"ann","input":{"report":"%s","from":"2026-01-01","rows":50000},"settings":{"format":"csv"}}'
        % (TYPE.encode(), name.encode())
    )


async def plain(url: str, key: str, method: str, path: str, body: bytes | None = None) -> bytes:
    """One call, its body."""
    found: list[bytes] = []
    waiting = iter([request(method, path, key, body)])
    seen = await load(url, lambda _: lambda: next(waiting, None), 30, connections=1, keep=found.append)
    if seen.failed:
        raise RuntimeError(seen.failed.decode(errors="replace"))
    return found[0]


@contextmanager
def started(command: list[str], **env: str) -> Iterator[dict[str, str]]:
    """A process, and the line of JSON that it says when it is ready."""
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    try:
        yield {**json.loads(process.stdout.readline()), "pid": str(process.pid)}
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def tidings() -> Iterator[dict[str, str]]:
    """A whole stack of its own, as `tidings up` runs it."""
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        up = [str(TIDINGS), "up", "--data", f"{folder}/stack", "--port", "0", "--no-demo"]
        with started(up) as ready:
            yield ready


@contextmanager
def empty_app() -> Iterator[str]:
    """The URL of a FastAPI app that does nothing, on the same server, parser and loop as ours."""
    with started([sys.executable, "-m", "bench._empty"]) as ready:
        yield ready["url"]


async def ready_type(url: str, key: str) -> None:
    """The job type of these measurements."""
    await plain(url, key, "PUT", f"/v1/types/{TYPE}", b'{"title":"Export"}')


async def some_jobs(url: str, key: str, count: int) -> list[str]:
    """Ids of this many jobs that are there."""
    found: list[str] = []
    send = batches(key)(0)
    while len(found) < count:
        whole = send()
        assert whole
        answer = await plain(url, key, "POST", "/v1/jobs/batch", whole.partition(b"\r\n\r\n")[2])
        found += [each["job"]["id"] for each in json.loads(answer)["answers"]]
    return found[:count]


async def settled(pid: int, most_s: float = IDLE_MAX_S) -> None:
    """The service has done what came before: followers of the log are at its end, and what a start brings is over."""
    process, until = psutil.Process(pid), time.monotonic() + most_s
    process.cpu_percent()
    while time.monotonic() < until:
        await asyncio.sleep(2)
        if process.cpu_percent() < IDLE_SHARE:
            return


def show(what: str, seen: Load, of: Load | None = None, *, each: int = 1) -> None:
    """One line: rate, latency, and the share of the measure beside it."""
    share = f"  {each * seen.rate / of.rate:>5.2f} of empty" if of else ""
    bad = f"  NOT ANSWERED: {dict(seen.statuses)}" if seen.failed else ""
    print(
        f"load {what:<22} {each * seen.rate:>9,.0f}/s  p50 {seen.ms(0.5):>7.2f} ms  p99 {seen.ms(0.99):>7.2f} ms"
        f"{share}{bad}",
        flush=True,
    )


async def main(seconds: float, wanted: list[str]) -> None:
    with empty_app() as empty, tidings() as ours:
        url, key = ours["url"], ours["api_key"]
        await ready_type(url, key)
        await load(url, new_jobs(key), 1)  # everything is loaded once
        post = await load(empty, new_jobs(key), seconds)
        show("empty POST", post)
        if not wanted or "new" in wanted:
            show("new jobs", await load(url, new_jobs(key), seconds), post)
        if not wanted or "same" in wanted:
            show("the same click", await load(url, one_click(key), seconds), post)
        if not wanted or "batch" in wanted:
            show(f"batches of {BATCH}", await load(url, batches(key), seconds, connections=4), each=BATCH)
        if not wanted or "get" in wanted:
            jobs = await some_jobs(url, key, READ_JOBS)
            get = await load(empty, reads(key, jobs), seconds)
            show("empty GET", get)
            show("GET of a job", await load(url, reads(key, jobs), seconds), get)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 4, sys.argv[2:]))
