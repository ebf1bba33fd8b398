"""A NATS that refuses the password, then hangs up: the person is told of the password, not of the hanging up."""

import asyncio

import pytest

from tidings import Client, TidingsError, _nats

INFO = b'INFO {"server_id":"x","version":"2.12.0","max_payload":2097152,"proto":1,"auth_required":true}\r\n'


async def test_a_refused_password_is_said_whatever_comes_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_nats, "CONNECT_S", 2.5)
    calls = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(writer)
        if len(calls) == 1:
            writer.write(INFO)
            await reader.readline()
            writer.write(b"-ERR 'Authorization Violation'\r\n")
            await writer.drain()
            writer.close()
        else:
            writer.transport.abort()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Client(f"nats://tidings:wrong@127.0.0.1:{port}", tenant="acme", resend_for_s=0) as stranger:
            with pytest.raises(TidingsError, match="password is wrong"):
                await stranger.get("01930000-0000-7000-8000-000000000000")
    assert len(calls) > 1, "it was asked again, and hung up"
