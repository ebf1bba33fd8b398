"""Many messages handed to NATS in one piece.

The library takes a message at a time and looks at each header by itself: 4.8 µs for one of ours and 1.6 here, with six
of them to a drained job (docs/performance.md). Each is written in the same form byte for byte: a test compares the two,
so that a new version of the library can't differ unseen.
"""

import re
from collections.abc import Iterable, Mapping

from nats import errors
from nats.aio.client import Client

_BLANK = re.compile(r"[ \t\r\n]")
_IN_ONE_LINE = str.maketrans({"\r": " ", "\n": " "})

Outbound = tuple[str, str, Mapping[str, str], bytes]  # subject, where an answer goes or "", headers, body


class BulkClient(Client):
    """nats-py's client, which can publish a chunk too."""

    async def publish_all(self, messages: Iterable[Outbound]) -> None:
        """As `publish` of each, in order, but all or none is written; raises the same errors."""
        if self.is_closed:
            raise errors.ConnectionClosedError
        if self.is_draining_pubs:
            raise errors.ConnectionDrainingError
        parts = [written(*message, self.max_payload) for message in messages]
        chunk = b"".join(parts)
        if not self.is_connected and len(chunk) + self.pending_data_size > self._max_pending_size:
            raise errors.OutboundBufferLimitError
        self.stats["out_msgs"] += len(parts)
        self.stats["out_bytes"] += len(chunk)
        await self._send_command(chunk)
        if self._flush_queue is not None and self._flush_queue.empty():
            await self._flush_pending()


def written(subject: str, reply: str, headers: Mapping[str, str], body: bytes, most: int) -> bytes:
    """One message as NATS' protocol has it (HPUB). Raises BadSubjectError, MaxPayloadError."""
    if not subject or _BLANK.search(subject) or _BLANK.search(reply):
        raise errors.BadSubjectError  # it would end the command, and what follows would be one of its own
    if len(body) > most:
        raise errors.MaxPayloadError
    lines = _lines(headers)
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        lines = _lines({name: value.translate(_IN_ONE_LINE) for name, value in headers.items()})
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    size = len(head)
    return b"".join([f"HPUB {subject} {reply} {size} {size + len(body)}\r\n".encode(), head, body, b"\r\n"])


def _lines(headers: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
