"""Server-sent events: the snapshot first, then every newer state, and a comment when nothing happens.

Hole-free by construction: the watcher is there before the snapshot is read, and no version is ever sent twice or
after a newer one. A client that lost its connection gets the present state, which is all that it missed.
"""

import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from projections.status.read import database_now, read_job, read_screen
from schemas.problems import Fault, Problem
from services.api.calls import Asked, Call, Query
from services.api.screens import Screen, Watcher
from services.front.bodies import invalid
from services.front.problems import not_found, refused

ENDED_MAX = 50  # ended jobs that an owner's stream begins with
SENT_MAX = 10_000  # versions remembered for one stream
RETRY = b"retry: 2000\n\n"
COMMENT = b": still here\n\n"
EVENT_STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_MARK = re.compile(r"^([0-9]{1,9}):([0-9]{1,18})\.([0-9]{1,9})$")


class Sent:
    """Which version of each job the reader has. Versions only rise."""

    def __init__(self) -> None:
        self._versions: OrderedDict[str, int] = OrderedDict()

    def is_newer(self, screen: Screen) -> bool:
        """Whether to send it; what is sent is remembered."""
        job = screen.job
        if job.version <= self._versions.get(job.id, 0):
            return False
        self.remember(job.id, job.version)
        return True

    def has(self, screen: Screen) -> bool:
        """Whether the reader has this very version, so that its moment is all that can be new."""
        return self._versions.get(screen.job.id) == screen.job.version

    def remember(self, job: str, version: int) -> None:
        self._versions[job] = version
        self._versions.move_to_end(job)
        if len(self._versions) > SENT_MAX:
            self._versions.popitem(last=False)


class EventStream(StreamingResponse):
    """Closes its watcher however the reading ends, even if it never begins."""

    def __init__(self, watcher: Watcher, chunks: AsyncIterator[bytes]) -> None:
        super().__init__(chunks, 200, HEADERS, EVENT_STREAM)
        self._watcher = watcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watcher.close()


async def job_stream(asked: Asked) -> Response:
    """One job, from its present state on."""
    job = asked.id()
    sent = Sent()
    seen = _resumed(asked)
    watcher = asked.parts.screens.watch_job(job)
    try:
        snapshot = await _job_screen(asked, job)
    except BaseException:
        watcher.close()
        raise
    sent.remember(job, seen - 1)  # nothing older than what this reader has; the same again is the snapshot
    asked.parts.screens.keep([snapshot])
    return EventStream(watcher, _chunks(asked, watcher, [snapshot], sent))


async def owner_stream(asked: Asked) -> Response:
    """Each open job of an owner and the newest ended ones, then whatever changes."""
    owner = asked.parameter("owner")
    if owner is None:
        raise invalid(Fault("owner", "is missing"))
    if not asked.caller.may_use(owner):
        raise refused(Problem.FORBIDDEN)
    _resumed(asked)
    watcher = asked.parts.screens.watch_owner(asked.tenant, owner)
    try:
        async with asked.parts.pool.acquire() as conn:
            at = await database_now(conn)
            jobs = await read_screen(conn, asked.partition, asked.tenant, owner, ENDED_MAX)
            snapshot = await asked.parts.screens.shown(conn, asked.partition, jobs, at)
    except BaseException:
        watcher.close()
        raise
    asked.parts.screens.keep(snapshot)
    return EventStream(watcher, _chunks(asked, watcher, snapshot, Sent()))


async def _job_screen(asked: Asked, job: str) -> Screen:
    async with asked.parts.pool.acquire() as conn:
        at = await database_now(conn)
        found = await read_job(conn, asked.partition, asked.tenant, job)
        if found is None or not asked.caller.may_use(found.owner):
            raise not_found(job)
        (screen,) = await asked.parts.screens.shown(conn, asked.partition, [found], at)
        return screen


async def _chunks(asked: Asked, watcher: Watcher, snapshot: Sequence[Screen], sent: Sent) -> AsyncIterator[bytes]:
    keepalive_s = asked.parts.settings.sse_keepalive_s
    yield RETRY + b"".join(_status(screen, asked.language) for screen in snapshot if sent.is_newer(screen))
    while not watcher.ended:
        fresh = await watcher.take(keepalive_s)
        yield b"".join(_news(screen, asked.language, sent) for screen in fresh) or COMMENT


def _news(screen: Screen, language: str, sent: Sent) -> bytes:
    """The whole view of a newer version, or what is of the moment for who has that version."""
    if sent.is_newer(screen):
        return _status(screen, language)
    return _wait(screen, language) if screen.moves and sent.has(screen) else b""


def _status(screen: Screen, language: str) -> bytes:
    return b"event: status\nid: %s\ndata: %s\n\n" % (_mark(screen), screen.encoded(language))


def _wait(screen: Screen, language: str) -> bytes:
    return b"event: wait\nid: %s\ndata: %s\n\n" % (_mark(screen), screen.encoded_moment(language))


def _mark(screen: Screen) -> bytes:
    return f"{screen.partition}:{screen.job.position}.{screen.job.version}".encode()


def _resumed(asked: Asked) -> int:
    """The version that this reader has, 0 for a new one. A browser may send a mark that it got from another stream."""
    mark = asked.request.headers.get("last-event-id")
    if not mark:
        return 0
    found = _MARK.match(mark)
    if found is None:
        raise invalid(Fault("Last-Event-ID", "must be an id that a stream of ours gave"))
    return int(found[3])


CALLS = (
    Call(
        method="GET",
        path="/v1/jobs/{id}/stream",
        owned=True,
        handler=job_stream,
        hot=True,
        scopes=("read",),
        summary="Follow one job: its present state, then each newer one",
        answers={200: EVENT_STREAM},
    ),
    Call(
        method="GET",
        path="/v1/stream",
        owned=True,
        handler=owner_stream,
        hot=True,
        scopes=("read",),
        summary="Follow all jobs of an owner: each open one and the newest 50 ended ones, then whatever changes",
        answers={200: EVENT_STREAM},
        query=(Query("owner", "Whose jobs", required=True),),
    ),
)
