"""Messages for NATS, written by the chunk: the library's own bytes, and nothing where one can't be sent."""

import asyncio
from collections.abc import Mapping

import pytest
from nats import errors
from nats.aio.client import Client

from eventstore.publishing import BulkClient

MOST = 1000
MESSAGES: list[tuple[str, str, dict[str, str], bytes]] = [
    ("tidings.events.0.acme.export.JobQueued", "_INBOX.a.7", {"Nats-Expected-Stream": "E", "X": "7"}, b"{}"),
    ("tidings.events.0.acme.export.JobQueued", "", {"Tidings-Position": "8"}, b""),
    ("a", "", {"ce-subject": "Grüße"}, "schön\r\n".encode()),
    ("a", "b", {"traceparent": "00-1\r\nHPUB x  9 9"}, b"x" * MOST),
    ("a", "b", {}, b"y"),
]  # fmt: skip


def unconnected(kind: type[Client]) -> Client:
    """Keeps what it would write; it says of itself that it is connected."""
    client = kind()
    client._max_payload = MOST
    client._max_pending_size = 10 * MOST
    client._status = Client.CONNECTED
    client._flush_queue = asyncio.Queue()
    client._flush_queue.put_nowait(asyncio.get_running_loop().create_future())
    return client


async def by_the_library(subject: str, reply: str, headers: Mapping[str, str], body: bytes) -> bytes:
    client = unconnected(Client)
    await client.publish(subject, body, reply=reply, headers=dict(headers))
    return b"".join(client._pending)


@pytest.fixture
async def bulk() -> BulkClient:
    client = unconnected(BulkClient)
    assert isinstance(client, BulkClient)
    return client


async def test_a_chunk_is_what_the_library_would_have_written(bulk: BulkClient) -> None:
    await bulk.publish_all(MESSAGES)
    assert b"".join(bulk._pending) == b"".join([await by_the_library(*each) for each in MESSAGES])
    assert bulk.stats["out_msgs"] == len(MESSAGES)
    assert bulk.pending_data_size == sum(map(len, bulk._pending))


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (("", "", {}, b""), errors.BadSubjectError),
        (("a b", "", {}, b""), errors.BadSubjectError),
        (("a\r\nPUB b", "", {}, b""), errors.BadSubjectError),
        (("a", "in box", {}, b""), errors.BadSubjectError),
        (("a", "", {}, b"x" * (MOST + 1)), errors.MaxPayloadError),
    ],
)
async def test_of_a_chunk_with_one_bad_message_nothing_is_written(
    bulk: BulkClient, bad: tuple[str, str, dict[str, str], bytes], error: type[errors.Error]
) -> None:
    with pytest.raises(error):
        await by_the_library(*bad)
    with pytest.raises(error):
        await bulk.publish_all([MESSAGES[0], bad])
    assert bulk._pending == []


async def test_while_nats_is_away_a_chunk_waits_in_bounded_memory(bulk: BulkClient) -> None:
    bulk._status = Client.RECONNECTING
    await bulk.publish_all(MESSAGES)
    with pytest.raises(errors.OutboundBufferLimitError):
        await bulk.publish_all([("a", "", {}, b"x" * MOST)] * 10)
    assert b"".join(bulk._pending) == b"".join([await by_the_library(*each) for each in MESSAGES])


@pytest.mark.parametrize(
    ("status", "error"),
    [(Client.CLOSED, errors.ConnectionClosedError), (Client.DRAINING_PUBS, errors.ConnectionDrainingError)],
)
async def test_a_closed_client_takes_nothing(bulk: BulkClient, status: int, error: type[errors.Error]) -> None:
    bulk._status = status
    with pytest.raises(error):
        await bulk.publish_all(MESSAGES)
    assert bulk._pending == []
