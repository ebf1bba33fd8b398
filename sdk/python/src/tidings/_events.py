"""What a job's stream says, whoever carries it, and how it is written in an HTTP body (server-sent events)."""

from collections.abc import AsyncIterator

import msgspec


class Event(msgspec.Struct):
    name: str = "message"  # status, or wait where only the moment changed
    data: str | bytes = ""
    id: str = ""


async def sse(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events in a stream's body; comments and unknown fields are passed over."""
    rest, fields = b"", dict[str, str]()
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").decode().partition(":")
            value = value.removeprefix(" ")
            if field == "data" and "data" in fields:
                value = f"{fields['data']}\n{value}"
            fields[field] = value
            if not field and not value:
                if fields.get("data"):
                    yield Event(fields.get("event", "message"), fields["data"], fields.get("id", ""))
                fields = {}
