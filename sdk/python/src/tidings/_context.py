"""What a handler gets: the job's input, and the words it may say while it works."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Generator
from datetime import datetime
from pathlib import Path
from typing import Required, TypedDict, TypeVar, Unpack

from tidings._client import Client
from tidings._errors import Conflict, NotFound, Refused, Stopped
from tidings._reports import Outbox
from tidings._views import Item, View

T = TypeVar("T")
PROBLEMS_MAX = 500  # in one report


class Assignment(View, frozen=True):
    """One attempt, and the lease that stands for it."""

    job: str
    ref: str
    type: str
    lease: str
    expires_at: datetime
    tenant: str = ""
    run: int = 1
    attempt: int = 1
    input: dict[str, object] | None = None
    settings: dict[str, object] | None = None
    items: list[Item] | None = None


class Trouble(TypedDict, total=False):
    """One item that could not be done. `row` counts as in the person's own file."""

    reason: Required[str]
    row: int | None
    column: str | None
    value: object
    id: str | int | None


class Sign(asyncio.Event):
    """True once it has happened; `await` it to hear of it at once."""

    def __bool__(self) -> bool:
        return self.is_set()

    def __await__(self) -> Generator[object, None, bool]:
        return self.wait().__await__()


class Context:
    """One attempt at one job. `items`: the failed items to do again, or None for all. `folder`: scratch, removed after.

    `cancelled`: a person asked to stop. `lost`: this attempt no longer counts. Either way the handler is cancelled.
    """

    def __init__(self, assignment: Assignment, client: Client, outbox: Outbox) -> None:
        self.job, self.ref, self.run, self.attempt = assignment.job, assignment.ref, assignment.run, assignment.attempt
        self.input, self.settings = assignment.input or {}, assignment.settings or {}
        self.items = assignment.items or None
        self.client = client
        self.cancelled, self.lost = Sign(), Sign()
        self.refused: Refused | None = None
        self.outcome: dict[str, object] = {"inline": {}}
        self.tenant, self._lease, self._outbox = assignment.tenant, assignment.lease, outbox
        self._problems: list[Trouble] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def folder(self) -> Path:
        if self._folder is None:  # made when it is asked for: most runs need none
            self._folder = tempfile.TemporaryDirectory(prefix="tidings-", ignore_cleanup_errors=True)
        return Path(self._folder.name)

    def tidy(self) -> None:
        """The run has ended: nothing of it is left on this machine."""
        if self._folder is not None:
            self._folder.cleanup()

    async def stage(self, name: str) -> None:
        """A milestone of the job type begins."""
        await self._say("stage", {"name": name})

    async def progress(self, done: float, total: float | None = None, unit: str | None = None) -> None:
        """Counted work of this run. Say it as often as you like; only the newest is sent."""
        await self._say("progress", {"done": done, "total": total, "unit": unit})

    async def problem(self, **trouble: Unpack[Trouble]) -> None:
        """An item could not be done: row, column, reason, value. Many are sent together."""
        self._problems.append(trouble)
        if len(self._problems) >= PROBLEMS_MAX:
            await self.flush()

    async def flush(self) -> None:
        """Hand over the problems found so far."""
        if self._problems:
            items, self._problems = self._problems, []
            await self._outbox.put(self._lease, "problems", {"items": items}, self.tenant)

    async def result(self, content: Path | bytes, name: str) -> None:
        """Store a file as the result; the job is finished with it when the handler returns."""
        self.outcome = {"upload": (await self.client.upload(content, job=self.job)).id, "name": name}

    def inline(self, result: dict[str, object]) -> None:
        """A small result that is kept with the job itself."""
        self.outcome = {"inline": result}

    async def download(self, upload: str) -> Path:
        """An uploaded input, as a file in `folder`."""
        return await self.client.download_upload(upload, to=self.folder / f"upload-{upload}")

    async def earlier_result(self) -> Path | None:
        """The result of the run before, as a file in `folder`, or None where there is none."""
        try:
            return await self.client.download(self.job, to=self.folder / "earlier-result")
        except (NotFound, Conflict):
            return None

    async def _say(self, verb: str, body: dict[str, object]) -> None:
        if self.refused is not None:
            raise self.refused
        await self.flush()
        await self._outbox.put(self._lease, verb, body, self.tenant)


class SyncContext:
    """The same for sync handlers, which run in a thread: without await, and Stopped is raised once the run is over."""

    def __init__(self, ctx: Context, loop: asyncio.AbstractEventLoop, over: Callable[[], bool]) -> None:
        self.job, self.ref, self.run, self.attempt = ctx.job, ctx.ref, ctx.run, ctx.attempt
        self.input, self.settings, self.items = ctx.input, ctx.settings, ctx.items
        self.cancelled, self.lost, self.inline = ctx.cancelled, ctx.lost, ctx.inline
        self._ctx, self._loop, self._over = ctx, loop, over

    @property
    def folder(self) -> Path:
        return self._ctx.folder

    def stage(self, name: str) -> None:
        self._hop(self._ctx.stage(name))

    def progress(self, done: float, total: float | None = None, unit: str | None = None) -> None:
        self._hop(self._ctx.progress(done, total, unit))

    def problem(self, **trouble: Unpack[Trouble]) -> None:
        self._hop(self._ctx.problem(**trouble))

    def result(self, content: Path | bytes, name: str) -> None:
        self._hop(self._ctx.result(content, name))

    def download(self, upload: str) -> Path:
        return self._hop(self._ctx.download(upload))

    def earlier_result(self) -> Path | None:
        return self._hop(self._ctx.earlier_result())

    def _hop(self, words: Coroutine[object, object, T]) -> T:
        if self._over():
            words.close()
            raise Stopped("This run is over; nothing more is taken from it.")
        return asyncio.run_coroutine_threadsafe(words, self._loop).result()
