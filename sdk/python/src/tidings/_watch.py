"""Following one job: a stream that resumes where it broke, or a long poll where streams don't get through."""

from collections.abc import AsyncIterator

import msgspec

from tidings._errors import NO_ANSWER, BadAnswer, Refused
from tidings._transport import Backoff, Call, Link
from tidings._views import JobView, View, Wait, Words

SILENCE_S = 45.0  # the service speaks every 15 s: three missed words are a dead connection
STREAM_TRIES = 3  # broken streams in a row with nothing new, then the long poll takes over
POLL_S = 20.0


class Event(msgspec.Struct):
    name: str = "message"
    data: str = ""
    id: str = ""


class Moment(View, frozen=True):
    """Only the wait has changed."""

    version: int
    wait: Wait | None = None
    waiting: Words | None = None


async def sse(chunks: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """The events in a stream's body; comments and unknown fields are passed over."""
    rest, event = b"", Event()
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.rstrip(b"\r").decode().partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                event.data += ("\n" if event.data else "") + value
            elif field in {"event", "id"}:
                setattr(event, "name" if field == "event" else "id", value)
            elif not line.rstrip(b"\r"):
                if event.data:
                    yield event
                event = Event()


class Follower:
    """Each newer view until the job has ended. Versions only rise, however often it reconnects."""

    def __init__(self, link: Link, path: str) -> None:
        self._link, self._path = link, path
        self._seen: JobView | None = None
        self._mark = ""
        self._broken = 0

    async def views(self) -> AsyncIterator[JobView]:
        pauses = Backoff(first_s=0.2, max_s=2.0)
        while self._seen is None or not self._seen.ended:
            before, streaming = self._seen, self._broken < STREAM_TRIES
            async for view in self._stream() if streaming else self._poll():
                yield view
            if streaming and self._seen is before:
                self._broken += 1
                await pauses.sleep()
            elif streaming:
                self._broken = 0
                pauses.reset()

    async def _stream(self) -> AsyncIterator[JobView]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._mark} if self._mark else {})
        try:
            async with self._link.open(Call("GET", f"{self._path}/stream", {}, headers, b"", SILENCE_S)) as reply:
                async for event in sse(reply.chunks):
                    self._mark = event.id or self._mark
                    view = self._newer(event)
                    if view is not None:
                        yield view
                        if view.ended:
                            return
        except NO_ANSWER:
            return
        except Refused as error:
            if error.problem.status not in {405, 406}:
                raise

    async def _poll(self) -> AsyncIterator[JobView]:
        query = {"after": self._seen.version, "wait": POLL_S} if self._seen else {}
        answer = await self._link.ask(Call("GET", self._path, query, timeout_s=POLL_S + 10))
        if answer.status != 304:
            self._seen = answer.read(JobView)
            yield self._seen

    def _newer(self, event: Event) -> JobView | None:
        seen = self._seen
        try:
            if event.name == "wait" and seen is not None:
                moment = msgspec.json.decode(event.data, type=Moment)
                if moment.version != seen.version:
                    return None
                self._seen = msgspec.structs.replace(seen, wait=moment.wait, waiting=moment.waiting)
                return self._seen
            view = msgspec.json.decode(event.data, type=JobView) if event.name == "status" else None
        except msgspec.DecodeError as error:
            raise BadAnswer(f"The stream can't be read: {error}") from error
        if view is None or (seen is not None and view.version <= seen.version):
            return None
        self._seen = view
        return view
