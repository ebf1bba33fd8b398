"""What stands in a stream of NATS, beside what the log says: every event once, in order, byte for byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from eventstore import jetstream
from eventstore.postgres import Pool
from eventstore.publishing import BulkClient
from schemas import subjects
from schemas.envelope import seal

WAIT_S = 60

_LOG = "select line, hash, tenant, type from events where partition = $1 order by position"


@asynccontextmanager
async def opened(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """JetStream over a client of the test's own."""
    client = await jetstream.connect(nats_url, "test")
    try:
        yield client.jetstream()
    finally:
        await client.close()


def client_of(js: JetStreamContext) -> BulkClient:
    """The client below."""
    client = js._nc
    assert isinstance(client, BulkClient)
    return client


async def messages(js: JetStreamContext, partition: int, upto: int) -> list[Msg]:
    """All of a stream, as soon as it has come to `upto`."""
    name = subjects.events_stream(partition)
    async with asyncio.timeout(WAIT_S):
        await there(js, name)
        puller = await _puller(js, partition, name)
        found: list[Msg] = []
        while len(found) < upto:
            found += await puller.fetch(min(500, upto - len(found)), timeout=WAIT_S)
        await puller.unsubscribe()
    return found


async def _puller(js: JetStreamContext, partition: int, name: str) -> JetStreamContext.PullSubscription:
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=60)
    while True:
        with contextlib.suppress(Error, TimeoutError):  # servers that have just lost one of them answer late
            return await js.pull_subscribe(subjects.events(partition), stream=name, config=config)


LOOK_S = 1.0


async def there(js: JetStreamContext, name: str) -> None:
    """Wait until the stream was made, of which NATS tells everybody, and until its servers agree again."""
    told = await js._nc.subscribe(f"$JS.EVENT.ADVISORY.STREAM.CREATED.{name}")
    async with asyncio.timeout(WAIT_S):
        while True:
            with contextlib.suppress(Error):  # a server that just began, or between two leaders
                found = await jetstream.find_stream(js, name)
                if found is None:
                    with contextlib.suppress(TimeoutError):  # the word of it may be lost: then a look tells
                        await told.next_msg(LOOK_S)
                elif found.cluster is None or all(peer.current for peer in found.cluster.replicas or ()):
                    break
    await told.unsubscribe()


async def assert_equal(pool: Pool, js: JetStreamContext, partition: int = 0) -> list[Msg]:
    """The stream equals the log, event by event; waits until the last has arrived."""
    async with pool.acquire() as conn:
        rows = await conn.fetch(_LOG, partition)
    found = await messages(js, partition, len(rows))
    sequences = [message.metadata.sequence.stream for message in found]
    assert sequences == list(range(1, len(rows) + 1)), "sequence = position, none missing, none doubled"
    for position, (message, row) in enumerate(zip(found, rows, strict=True), 1):
        assert message.data == seal(row["line"], row["hash"]), position
        assert (message.headers or {})["Tidings-Position"] == str(position)
        assert message.subject.startswith(f"tidings.v1.events.{partition}.{row['tenant']}."), message.subject
        assert message.subject.endswith(f".{row['type']}"), message.subject
    state = (await js.stream_info(subjects.events_stream(partition))).state
    assert (state.first_seq, state.last_seq, state.messages) == (1, len(rows), len(rows)), str(state)
    return found
