"""What this machine gives at best: durable inserts, an empty FastAPI route, a jobs table behind FastAPI.

`python -m bench.limits`. pgbench is the one of the embedded PostgreSQL. What limits the relay and the audit is measured
beside them, in their own parts.
"""

import asyncio
import contextlib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop

from bench._rows import said, scaled
from bench.load import empty_app, load, new_jobs, reads, started
from services.embedded.postgres import _install
from services.embedded.stack import EmbeddedStack
from services.telling import configure

TABLE = (
    "create table plain (id bigint generated always as identity primary key, at timestamptz default now(), body text)"
)
INSERT = "insert into plain (body) values (repeat('x', 300))"
CLIENTS, WRITERS = 64, 16
_TPS = re.compile(r"tps = ([0-9.]+)")


async def pgbench(url: str, seconds: int) -> float:
    """Durable single-row inserts a second, each its own transaction."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"{INSERT};\n")
        script.flush()
        tool = str(_install() / "bin/pgbench")
        command = [
            tool,
            "-n",
            "-c",
            str(CLIENTS),
            "-j",
            "2",
            "-M",
            "prepared",
            "-T",
            str(seconds),
            "-f",
            script.name,
            url,
        ]
        run = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = await run.communicate()
    found = _TPS.search(out.decode())
    if found is None:
        raise RuntimeError(err.decode())
    return float(found[1])


async def writers(url: str, seconds: float) -> float:
    """The same from Python: so many asyncpg connections, each waiting for its commit."""
    connections = [await asyncpg.connect(url) for _ in range(WRITERS)]
    count, until = 0, time.perf_counter() + seconds

    async def write(conn: asyncpg.Connection) -> None:
        nonlocal count
        insert = await conn.prepare(INSERT)
        while time.perf_counter() < until:
            await insert.fetch()
            count += 1

    began = time.perf_counter()
    await asyncio.gather(*(write(conn) for conn in connections))
    rate = count / (time.perf_counter() - began)
    for conn in connections:
        await conn.close()
    return rate


async def home_made(url: str, seconds: float) -> None:
    """Thirty lines that most products begin with: a table, a route, no history, no dedupe."""
    command = [sys.executable, "-m", "bench._home_made", url]
    with started(command) as table:
        await load(table["url"], new_jobs(""), 0.5)
        seen = await load(table["url"], new_jobs(""), seconds)
        said("limit: home-made jobs table, POST", seen.rate, "/s", f"p99 {seen.ms(0.99):.1f} ms")


async def main() -> None:
    configure("error")
    seconds = scaled(4, 2)
    with empty_app() as empty:
        await load(empty, new_jobs(""), 0.5)
        post = await load(empty, new_jobs(""), seconds)
        said("limit: empty FastAPI POST", post.rate, "/s", f"p99 {post.ms(0.99):.1f} ms")
        get = await load(empty, reads("", ["1"]), seconds)
        said("limit: empty FastAPI GET", get.rate, "/s", f"p99 {get.ms(0.99):.1f} ms")
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        async with EmbeddedStack(Path(folder)) as stack:
            conn = await asyncpg.connect(stack.database_url)
            await conn.execute(TABLE)
            await conn.close()
            said("limit: durable inserts, pgbench, 64 clients", await pgbench(stack.database_url, seconds), "/s")
            said("limit: durable inserts, 16 asyncpg", await writers(stack.database_url, seconds), "/s")
            await home_made(stack.database_url, seconds)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
