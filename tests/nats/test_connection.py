"""A connection to NATS: whatever state it is in, it can be given up."""

import pytest

from eventstore import jetstream
from tests.nats_servers import Broker


async def test_a_socket_that_has_just_died_is_closed_quietly(nats: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """As uvloop has it, when nats-py still writes what was pending: it once ended the whole relay."""
    client = await jetstream.connect(nats.url, "test")

    def dead(_: object) -> None:
        raise RuntimeError("unable to perform operation on a closed transport")

    assert client._transport
    monkeypatch.setattr(client._transport, "writelines", dead)
    monkeypatch.setattr(client, "_pending_data_size", 1)
    await jetstream.close(client)
    assert client.is_closed


async def test_one_that_is_closed_already_may_be_closed_again(nats: Broker) -> None:
    client = await jetstream.connect(nats.url, "test")
    await jetstream.close(client)
    await jetstream.close(client)
    assert client.is_closed
