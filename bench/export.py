"""An export takes no more memory of ten million lines than of one million.

`python -m bench.export [EVENTS [WAY …]]`. The log is filled by COPY with sealed lines, a tenth of it, then the rest.
After each, `tidings audit export` writes NDJSON and Parquet, and one `GET /v1/audit/events` reads all of it from an API
of its own; said is the highest resident memory (RSS) that each process ever had.
"""

import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import msgspec
import uvloop

from bench._rows import said, scaled
from bench.load import TIDINGS
from eventstore.postgres import Connection
from projections.migrate import migrate
from schemas.envelope import time_text
from schemas.events import AuditRead
from schemas.ids import uuid7
from services.embedded.stack import EmbeddedStack
from services.keys import create_key
from services.telling import configure

COLUMNS = ("partition", "position", "tenant", "stream", "version", "type", "recorded_at", "actor", "line", "hash")
HEAD = "select position, hash, greatest(recorded_at, clock_timestamp()) as at from heads where partition = 0 for update"
MOVE = "update heads set position = $1, hash = $2, recorded_at = $3 where partition = 0"
TENANT = "default"
CHUNK = 50_000  # lines in one COPY
STREAM = f"tenant:{TENANT}"  # of no job: nothing is shown of it, so no projection need be filled
MB = 1024 * 1024
WAYS = ("ndjson", "parquet", "http")

Row = tuple[int, int, str, str, int, str, datetime, str, bytes, bytes]


class Log:
    """Plausible sealed lines, one after the other: the chain holds, as `tidings audit verify` says."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self._cause = uuid7()
        self._encoder = msgspec.json.Encoder()

    async def grow(self, conn: Connection, upto: int) -> None:
        """By COPY; a chunk is one transaction, with the head."""
        position = 0
        while position < upto:
            async with conn.transaction():
                head = await conn.fetchrow(HEAD)
                assert head
                first, hash_, at = head
                rows = list(self._rows(first, hash_, at, min(CHUNK, upto - first)))
                if rows:
                    await conn.copy_records_to_table("events", records=rows, columns=COLUMNS)
                    await conn.execute(MOVE, rows[-1][1], rows[-1][9], at)
                position = first + len(rows)

    def _rows(self, position: int, hash_: bytes, at: datetime, count: int) -> Iterator[Row]:
        moment = time_text(at)
        for place in range(position + 1, position + 1 + count):
            read = AuditRead(what="events", job=str(UUID(int=self._chance.getrandbits(128))), partition=0)
            line = (
                (
                    f'{{"tenant":"{TENANT}","partition":0,"position":{place},"stream":"{STREAM}","version":{place},'
                    f'"type":"AuditRead","schema":1,"recorded_at":"{moment}","actor":{{"kind":"user","id":"ann"}},'
                    f'"correlation_id":"{self._cause}","causation_id":"{self._cause}","traceparent":null,"data":'
                ).encode()
                + self._encoder.encode(read)
                + b"}"
            )
            hash_ = sha256(hash_ + sha256(line).digest()).digest()
            yield 0, place, TENANT, STREAM, place, "AuditRead", at, "user:ann", line, hash_


def highest(pid: int) -> float:
    """The most memory that a process ever had, in MiB; 0 where it has ended."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    return 0.0


async def exported(env: dict[str, str], out: Path) -> float:
    """Its highest memory, as last seen before it ended."""
    process = await asyncio.create_subprocess_exec(str(TIDINGS), "audit", "export", "--out", str(out), env=env)
    ended, most = asyncio.create_task(process.wait()), 0.0
    while not ended.done():
        most = highest(process.pid) or most
        await asyncio.wait({ended}, timeout=0.1)
    assert process.returncode == 0
    return most


@asynccontextmanager
async def api(env: dict[str, str]) -> AsyncIterator[tuple[int, str]]:
    """A process that serves HTTP alone."""
    process = await asyncio.create_subprocess_exec(
        str(TIDINGS), "serve", "--roles", "api", env=env, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    ready = httpx.Response(200, content=await process.stdout.readline()).json()
    try:
        yield process.pid, ready["url"]
    finally:
        process.terminate()
        await process.wait()


async def read(url: str, key: str) -> int:
    """All lines by one request. Answers how many there were."""
    lines = 0
    async with (
        httpx.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {key}"}) as client,
        client.stream("GET", f"{url}/v1/audit/events") as answer,
    ):
        assert answer.status_code == 200
        async for chunk in answer.aiter_raw(1024 * 1024):
            lines += chunk.count(b"\n")
    return lines


async def measure(ways: Sequence[str], env: dict[str, str], key: str, folder: Path, events: int) -> None:
    note = f"{events:,} events"
    for form in sorted({"ndjson", "parquet"}.intersection(ways)):
        out = folder / f"log.{form}"
        began = time.perf_counter()
        most = await exported(env, out)
        took_s = time.perf_counter() - began
        said(f"export: {form} of {events:,}", events / took_s, "events/s", note)
        said(
            f"export: {form} of {events:,}, memory", most, "MiB", f"{note}, {out.stat().st_size / MB:,.0f} MiB written"
        )
        out.unlink()
    if "http" not in ways:
        return
    async with api(env) as (pid, url):
        before = highest(pid)
        began = time.perf_counter()
        lines = await read(url, key)
        took_s = time.perf_counter() - began
        assert lines >= events, (lines, events)
        said(f"export: HTTP of {events:,}", lines / took_s, "events/s", note)
        said(f"export: HTTP of {events:,}, memory", highest(pid), "MiB", f"{note}; {before:,.0f} MiB before")


async def main(events: int, ways: Sequence[str]) -> None:
    configure()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with EmbeddedStack(folder / "stack", durable=False) as stack:
            await migrate(stack.database_url, 1)
            env = {
                **os.environ,
                "TIDINGS_DATABASE_URL": stack.database_url,
                "TIDINGS_NATS_URL": stack.nats_url,
                "TIDINGS_PORT": "0",
            }
            conn = await asyncpg.connect(stack.database_url)
            key = (await create_key(conn, TENANT, ("audit",))).key
            log = Log()
            for part in (events // 10, events):
                began = time.perf_counter()
                await log.grow(conn, part)
                await conn.execute("vacuum analyze events")
                print(f"filled up to {part:,} in {time.perf_counter() - began:,.0f} s", flush=True)
                await measure(ways, env, key, folder, part)
            await conn.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else scaled(2_000_000, 100_000), sys.argv[2:] or WAYS))
