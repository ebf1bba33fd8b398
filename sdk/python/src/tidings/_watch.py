"""Following one job: a stream that resumes where it broke, or a long poll where streams don't get through."""

from collections.abc import AsyncIterator

import msgspec

from tidings._errors import NO_ANSWER, BadAnswer, Refused
from tidings._events import Event
from tidings._transport import Backoff, Call, Link
from tidings._views import JobView, View, Wait, Words

SILENCE_S = 45.0  # the service speaks every 15 s: three missed words are a dead connection
STREAM_TRIES = 3  # broken streams in a row with nothing new, then the long poll takes over
POLL_S = 20.0


class Moment(View, frozen=True):
    """Only the wait has changed."""

    version: int
    wait: Wait | None = None
    waiting: Words | None = None


class Follower:
    """Each newer view until the job has ended. Versions only rise, however often it reconnects."""

    def __init__(self, link: Link, job: str, path: str) -> None:
        self._link, self._job, self._path = link, job, path
        self._seen: JobView | None = None
        self._mark = ""
        self._broken = 0

    async def views(self) -> AsyncIterator[JobView]:
        pauses = Backoff(first_s=0.2, max_s=2.0)
        while self._seen is None or not self._seen.ended:
            before, streaming = self._seen, self._broken < STREAM_TRIES
            async for view in self._stream() if streaming else self._poll():
                yield view
            if self._seen is before:
                self._broken += 1
                await pauses.sleep()
            elif streaming:
                self._broken = 0
                pauses.reset()

    async def _stream(self) -> AsyncIterator[JobView]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._mark} if self._mark else {})
        call = Call(method="GET", path=f"{self._path}/stream", job=self._job, headers=headers, timeout_s=SILENCE_S)
        try:
            async with self._link.follow(call) as events:
                async for event in events:
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
        call = Call(method="GET", path=self._path, subject="api.get", job=self._job, query=query, timeout_s=POLL_S + 10)
        answer = await self._link.ask(call)
        view = None if answer.status == 304 else self._newer(Event("status", answer.body))
        if view is not None:
            yield view

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
