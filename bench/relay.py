"""How fast the relay catches up with a log, beside plain pipelined publishing to the same NATS in the same run.

`python -m bench.relay [EVENTS]`. Durable: the embedded stack as it is, which syncs every message to its disk. Hurried:
without those syncs, as a cluster of three runs.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop
from nats.aio.client import Client

from bench._rows import said, scaled
from eventstore import jetstream
from eventstore.append import APPEND_SQL, Batch
from eventstore.outgoing import Message, Outgoing
from eventstore.postgres import Pool, open_pool
from eventstore.relay import Relay
from projections.migrate import migrate
from schemas import events as e
from schemas.envelope import SYSTEM, Cause
from schemas.ids import ref_of, uuid7
from schemas.jobtypes import Definition
from services.embedded.stack import EmbeddedStack
from services.telling import configure

DURABLE_SHARE = 5  # a synced message takes that much longer, so fewer are sent
APPEND = 1000
FLYING = 4000  # what nats-py itself lets be on its way
CAUSE = Cause(actor=SYSTEM, causation_id=uuid7())
HEAD = "select position, hash, clock_timestamp() as at from heads where partition = 0"


async def fill(pool: Pool, events: int) -> None:
    """Jobs that were requested, queued, taken and finished."""
    definition = Definition(title="Export")
    async with pool.acquire() as conn:
        for _ in range(0, events, APPEND):
            head = await conn.fetchrow(HEAD)
            assert head
            batch = Batch(0, head["position"], head["hash"], head["at"])
            for n in range(APPEND // 4):
                job = uuid7()
                story = [
                    e.JobRequested(
                        type="orders.export", ref=ref_of(job, "Export"), title=None, owner="ann", input={"n": n},
                        settings=None, size=None, priority=0, not_before=None, definition=definition, dedupe=None,
                        again=False,
                    ),
                    e.JobQueued(run=1, ready_at="2026-01-01T00:00:00.000000Z"),
                    e.AttemptStarted(run=1, attempt=1, worker="w-1"),
                    e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None),
                ]  # fmt: skip
                batch.add(batch.draft("acme", job, 0, story, CAUSE), CAUSE)
            await conn.execute(f"with {APPEND_SQL} select", *batch.params())


async def plain(client: Client, messages: Sequence[Message]) -> float:
    """Messages of the same bytes by nats-py's own pipelined publishing, each acknowledged. Events a second."""
    js = client.jetstream(publish_async_max_pending=FLYING)
    await js.add_stream(name="PLAIN", subjects=["plain.>"])
    begun = time.perf_counter()
    for message in messages:
        await js.publish_async("plain.events", message.body, headers=message.headers)
    await js.publish_async_completed()
    rate = len(messages) / (time.perf_counter() - begun)
    await js.delete_stream("PLAIN")
    return rate


async def relayed(pool: Pool, stack: EmbeddedStack, head: int) -> float:
    """Events a second until the last one is acknowledged, its connections and looks included."""
    relay = Relay(pool, stack.database_url, stack.nats_url, 1)
    begun = time.perf_counter()
    task = asyncio.create_task(relay.run())
    while not relay.reports() or relay.reports()[0].lag:
        await asyncio.wait({task}, timeout=0.01)
    rate = head / (time.perf_counter() - begun)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return rate


async def measure(events: int, *, durable: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        async with EmbeddedStack(Path(folder) / "stack", durable=durable) as stack:
            await migrate(stack.database_url, 1)
            pool = await open_pool(stack.database_url, 4)
            client = await jetstream.connect(stack.nats_url, "bench")
            await fill(pool, events)
            async with pool.acquire() as conn:
                page = await Outgoing(0).page(conn, 0, 4000)
            published = await plain(client, (page * (events // len(page) + 1))[:events])
            caught_up = await relayed(pool, stack, events)
            await client.close()
            await pool.close()
    kind = "durable" if durable else "hurried"
    note = f"{events:,} events"
    said(f"relay: catch-up, {kind}", caught_up, "events/s", note)
    said(f"relay: plain pipelined publishing, {kind}", published, "events/s", note)


async def main(events: int) -> None:
    configure("error")
    await measure(events, durable=False)
    await measure(events // DURABLE_SHARE, durable=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else scaled(100_000, 20_000)))
