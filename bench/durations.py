"""How long starting, ending and taking over take: what tests print but never assert.

`python -m bench.durations`. A relay takes over from one that was killed: from the kill to the first event it sent on.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg
import uvloop

from bench._rows import said, scaled
from bench.load import TIDINGS, plain, ready_type
from eventstore import jetstream
from projections.migrate import migrate
from schemas import subjects
from services.embedded.stack import EmbeddedStack
from services.keys import create_key
from services.telling import configure


def begun(*arguments: str, **env: str) -> tuple[subprocess.Popen[bytes], dict[str, str], float]:
    """A command of ours, its line when it is ready, and the seconds until then."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(TIDINGS), *arguments], env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    line = process.stdout.readline()
    return process, json.loads(line), time.perf_counter() - began


def ended(process: subprocess.Popen[bytes]) -> float:
    began = time.perf_counter()
    process.terminate()
    process.wait(30)
    return time.perf_counter() - began


def starts_and_ends(data: str) -> None:
    up = ("up", "--data", data, "--port", "0")
    process, _, new_s = begun(*up)
    said("durations: up, ready when new", new_s, "s", "with the demo")
    said("durations: up, ended after SIGTERM", ended(process), "s")
    process, _, again_s = begun(*up)
    said("durations: up, ready again", again_s, "s")
    ended(process)


def command_starts() -> None:
    took_s = []
    for _ in range(scaled(5, 2)):
        began = time.perf_counter()
        subprocess.run([str(TIDINGS), "jobs", "--help"], capture_output=True, check=True)
        took_s.append(time.perf_counter() - began)
    said("durations: a command starts", min(took_s), "s", "`tidings jobs --help`, the quickest")


async def takeover(folder: str) -> None:
    """Two relays; the active one is killed, a job is submitted at once, its event comes from the other."""
    async with EmbeddedStack(Path(folder) / "relays") as stack:
        await migrate(stack.database_url, 1)
        conn = await asyncpg.connect(stack.database_url)
        key = (await create_key(conn, "default")).key
        await conn.close()
        env = {"TIDINGS_DATABASE_URL": stack.database_url, "TIDINGS_NATS_URL": stack.nats_url, "TIDINGS_DATA": folder}
        started = [await asyncio.to_thread(begun, "serve", "--roles", "api", TIDINGS_PORT="0", **env)]
        try:
            for _ in range(2):
                relay = await asyncio.to_thread(begun, "serve", "--roles", "relay", TIDINGS_PORT="0", **env)
                started.append(relay)
                await asyncio.sleep(1)
            url = started[0][1]["url"]
            await ready_type(url, key)
            client = await jetstream.connect(stack.nats_url, "bench")
            told = await client.subscribe(subjects.events(0))
            began = time.perf_counter()
            started[1][0].kill()
            await plain(url, key, "POST", "/v1/jobs", b'{"type":"bench.load","owner":"ann","input":{}}')
            while b'"JobRequested"' not in (await told.next_msg(30)).data:
                pass
            said("durations: relay takeover after kill -9", time.perf_counter() - began, "s")
            await client.close()
        finally:
            for process, _, _ in started:
                process.kill()
                process.wait()


async def main() -> None:
    configure("error")
    with tempfile.TemporaryDirectory(prefix="tidings-bench-", ignore_cleanup_errors=True) as folder:
        starts_and_ends(f"{folder}/stack")
        command_starts()
        await takeover(folder)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main())
