"""Everything that comes by NATS, over one connection: begun anew whenever it is lost, ended with what is under way."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from eventstore import jetstream
from eventstore.postgres import pauses
from schemas import subjects
from services.front.asked import Parts
from services.nats.intake import Intake
from services.nats.micro import Micro

log = structlog.get_logger()

Told = Callable[[str], None]  # is told how far a partition has come: `<partition>:<position>`

END_MAX_S = 4.0  # for what is under way; NATS brings again what is not answered by then


async def serve_nats(parts: Parts, version: str, told: Told, ready: asyncio.Event, stop: asyncio.Event) -> None:
    """Until `stop` is set; `ready` is set once requests are answered, or will never be."""
    if parts.settings.nats_url is None:
        ready.set()
        await stop.wait()
        return
    serving = asyncio.create_task(_through_outages(parts, parts.settings.nats_url, version, told, ready, stop))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            await asyncio.wait({serving}, timeout=END_MAX_S)
    finally:
        stopping.cancel()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _through_outages(
    parts: Parts, url: str, version: str, told: Told, ready: asyncio.Event, stop: asyncio.Event
) -> None:
    waits = pauses()
    while not stop.is_set():
        client = await jetstream.connect(url, "tidings-calls")
        try:
            await _listen(client, told)
            await _serve(client, parts, version, ready, stop)
            waits = pauses()
        except jetstream.AWAY as error:
            pause = next(waits)
            log.warning("calls by NATS begin anew", error=repr(error), again_s=pause)
            await asyncio.sleep(pause)
        finally:
            await jetstream.close(client)


async def _listen(client: Client, told: Told) -> None:
    """One subscription for all screens of this process: a status wakes whoever follows its partition's log.

    Screens show what the log says, so nothing older than an answer; this, NOTIFY and a look only tell when to read on.
    """

    async def hear(message: Msg) -> None:
        told((message.headers or {}).get("Tidings-Position", ""))

    await client.subscribe(subjects.all_of("status"), cb=hear)


async def _serve(client: Client, parts: Parts, version: str, ready: asyncio.Event, stop: asyncio.Event) -> None:
    intake, micro = Intake(client, parts), Micro(client, parts, version)
    await micro.start()
    ready.set()
    carrying = asyncio.create_task(intake.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({carrying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        intake.end()
        await carrying
        await micro.stop()
    finally:
        stopping.cancel()
        carrying.cancel()
