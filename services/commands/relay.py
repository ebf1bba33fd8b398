"""`tidings relay`: how each partition's stream in NATS stands against the log, and making one anew that went astray."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from nats.js import JetStreamContext

from eventstore import jetstream, locks, read, standing
from eventstore.postgres import Pool
from eventstore.relay import Relay
from eventstore.standing import Standing
from services.commands.database import Servers, opened, servers
from services.embedded.folder import CannotStart
from services.settings import Settings
from services.telling import configure

NATS_ANSWER_MAX_S = 5.0
LOOK_S = 0.25


class Line(Struct, frozen=True, kw_only=True):
    """One partition in the answer. `lag`: events of the log that the stream does not have yet."""

    partition: int
    head: int
    last: int
    lag: int
    active: bool  # somebody relays it now
    fault: str | None
    detail: str | None


class Found(Struct, frozen=True, kw_only=True):
    """What a command works on, for as long as it runs."""

    servers: Servers
    nats_url: str
    pool: Pool
    js: JetStreamContext
    settings: Settings


async def status(data: Path | None, *, as_json: bool) -> int:
    """0 where every stream is what the log says, however far behind; else 1."""
    configure("error")
    async with _found(data) as found:
        lines = await _lines(found)
    _tell(lines, as_json=as_json)
    return 1 if any(line.fault for line in lines) else 0


async def resync(data: Path | None, partition: int | None, *, as_json: bool) -> int:
    """Make anew the stream of `partition`, or each that has a fault, and wait until it is filled."""
    configure()
    async with _found(data) as found:
        chosen = [line.partition for line in await _lines(found) if line.fault or line.partition == partition]
        if partition is not None:
            chosen = [each for each in chosen if each == partition]
            if not chosen:
                raise CannotStart(f"The log has no partition {partition}.", "`tidings relay status` lists them.")
        for each in chosen:
            async with found.pool.acquire() as conn:
                await standing.forget(conn, found.js, each)
        if chosen:
            await _fill(found, chosen)
        lines = await _lines(found)
    _tell(lines, as_json=as_json)
    return 1 if any(line.fault for line in lines) else 0


async def _fill(found: Found, chosen: Sequence[int]) -> None:
    """By the service's relay where one runs, else by one of our own, which waits for the lock all the same."""
    settings = found.settings
    async with found.pool.acquire() as conn:
        heads = await read.heads(conn)
    relay = Relay(
        found.pool,
        found.servers.database_url,
        found.nats_url,
        len(heads),
        replicas=settings.nats_replicas,
        window=settings.relay_window,
        cloudevents=settings.cloudevents,
        look_s=LOOK_S,
    )
    relaying = asyncio.create_task(relay.run())
    try:
        while not _filled(await _lines(found), heads, chosen):
            await asyncio.wait({relaying}, timeout=LOOK_S)
            if relaying.done():
                return await relaying
    finally:
        relaying.cancel()
        await asyncio.wait({relaying})
    return None


def _filled(lines: Sequence[Line], heads: dict[int, int], chosen: Sequence[int]) -> bool:
    return all(line.fault is None and line.last >= heads[line.partition] for line in lines if line.partition in chosen)


@asynccontextmanager
async def _found(data: Path | None) -> AsyncIterator[Found]:
    async with servers(data) as found, opened(found.database_url) as pool:
        if found.nats_url is None:
            raise CannotStart("Which NATS? TIDINGS_NATS_URL is missing.", "Set it beside TIDINGS_DATABASE_URL.")
        try:
            async with asyncio.timeout(NATS_ANSWER_MAX_S):
                client = await jetstream.connect(found.nats_url, "tidings-command")
        except TimeoutError as error:
            raise CannotStart("NATS does not answer.", "Check TIDINGS_NATS_URL, and that the server runs.") from error
        try:
            settings = Settings.from_env({**os.environ, "TIDINGS_DATABASE_URL": found.database_url})
            yield Found(servers=found, nats_url=found.nats_url, pool=pool, js=client.jetstream(), settings=settings)
        finally:
            await jetstream.close(client)


async def _lines(found: Found) -> list[Line]:
    async with found.pool.acquire() as conn:
        active = await locks.held(conn)
        copies = found.settings.nats_replicas
        seen = [await standing.look(conn, found.js, partition, copies) for partition in await read.heads(conn)]
    return [_line(each, active=each.partition in active) for each in seen]


def _line(seen: Standing, *, active: bool) -> Line:
    return Line(
        partition=seen.partition,
        head=seen.head,
        last=seen.last,
        lag=seen.lag,
        active=active,
        fault=seen.fault,
        detail=seen.detail,
    )


def _tell(lines: Sequence[Line], *, as_json: bool) -> None:
    ok = not any(line.fault for line in lines)
    if as_json:
        return print(msgspec.json.encode({"ok": ok, "partitions": lines}).decode())
    for line in lines:
        way = f"{line.lag:,} behind" if line.lag else "all in NATS"
        state = f"{line.fault}: {line.detail}" if line.fault else way if line.active else f"{way}, nobody relays it"
        print(f"partition {line.partition}  {line.last:,} of {line.head:,}  {state}")
    print(
        "Every stream is what the log says."
        if ok
        else "Nothing more is published to a stream with a fault. `tidings relay resync` makes it anew from the log."
    )
    return None
