"""An answer on the socket: what is held, and that nothing is held for long."""

import asyncio
from collections.abc import Iterable

from services.api.wire import OneSend

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Sends(asyncio.Transport):
    """What the socket was given, call by call."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.seen.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.seen.append(b"".join(list_of_data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def next_turn() -> None:
    """Until all that waits for the loop's next turn has run."""
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn


def socket() -> tuple[Sends, OneSend]:
    sends = Sends()
    return sends, OneSend(sends, asyncio.get_running_loop())


async def test_head_and_body_are_one_send() -> None:
    sends, wire = socket()
    wire.write(HEAD)
    wire.write(b"{}")
    wire.write(HEAD)
    wire.write(b"[]")
    await next_turn()
    assert sends.seen == [HEAD + b"{}", HEAD + b"[]"]


async def test_the_head_of_a_stream_that_says_nothing_yet_is_sent_in_the_next_turn() -> None:
    sends, wire = socket()
    wire.write(HEAD)
    assert sends.seen == []
    await next_turn()
    assert sends.seen == [HEAD]
    wire.write(b"data: 1\n\n")
    assert sends.seen == [HEAD, b"data: 1\n\n"]


async def test_a_head_without_a_body_is_sent_before_the_end() -> None:
    sends, wire = socket()
    wire.write(HEAD)
    wire.close()
    assert (sends.seen, sends.closed) == ([HEAD], True)
    await next_turn()
    assert sends.seen == [HEAD]


async def test_nothing_is_sent_to_who_has_gone() -> None:
    sends, wire = socket()
    wire.write(HEAD)
    sends.close()
    await next_turn()
    assert sends.seen == []
    assert wire.is_closing()
