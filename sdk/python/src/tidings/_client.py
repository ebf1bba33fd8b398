"""Client: start a job, follow it to its result, retry only what failed."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Required, Self, TypedDict, Unpack
from urllib.parse import quote

import msgspec

from tidings._errors import BadAnswer, NotCarried, Problem, TookTooLong
from tidings._nats import NatsTransport
from tidings._transport import Answer, Call, File, HttpTransport, Link, Transport
from tidings._views import Item, JobPage, JobView, RetryPlan, Upload, View
from tidings._watch import Follower

Job = str | JobView  # an id, or any view of it
FILE_S = 300.0


class Request(TypedDict, total=False):
    """What a job is asked with, by `submit` and `find`."""

    owner: Required[str]
    input: Mapping[str, object]
    settings: Mapping[str, object]
    size: float  # in the job type's unit, such as rows
    title: str
    again: bool  # the person wants a fresh run of the same
    priority: int  # -100 to 100, higher first
    not_before: datetime


class ItemPage(View, frozen=True):
    items: list[Item]
    next: str | None = None


class Rejection(Problem, frozen=True):
    """Why a durable command was not carried out; `position` is where to go on reading."""

    command_id: str = ""
    position: int = 0


class Client:
    """One service, one key, any number of tasks. `actor` says for whom, such as `user:ann`.

    `url`: http(s):// with an `api_key`, or nats:// (tls://) with a `tenant`; then `http_url` carries what NATS can't.
    `timeout_s`: the longest silence of a call. `resend_for_s`: how long an unanswered call is sent again.
    """

    def __init__(
        self, url: str, *, api_key: str = "", tenant: str = "default", http_url: str | None = None,
        actor: str | None = None, timeout_s: float = 15.0, resend_for_s: float = 20.0,
        transport: Transport | None = None,
    ) -> None:  # fmt: skip
        given = {"Authorization": api_key and f"Bearer {api_key}", "Tidings-Actor": actor}
        headers = {name: value for name, value in given.items() if value}
        chosen = transport or _transport(url, tenant, http_url)
        self.link = Link(chosen, headers=headers, resend_for_s=resend_for_s)
        self._timeout_s = timeout_s

    def acting_for(self, tenant: str) -> Self:
        """The same for another tenant's jobs, for a worker whose key serves them all."""
        other = copy(self)
        other.link = self.link.with_header("Tidings-Tenant", tenant)
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.link.close()

    async def submit(self, type: str, **request: Unpack[Request]) -> JobView:
        """Start a job, or open the one that is there: then `reopened` is true and `repeat.text` says so."""
        return (await self._post("submit", "/v1/jobs", {"type": type, **request})).read(JobView)

    async def submit_durably(self, type: str, *, command_id: str | None = None, **request: Unpack[Request]) -> str:
        """Over NATS, also while Tidings is down: once this returns, the job will start, or `rejections` says why not.

        Returns the command's id. A command of the same id is obeyed once in 7 days, so send it again when in doubt.
        """
        made = command_id or str(uuid.uuid4())
        call = Call(subject="commands.submit", body={"type": type, **request}, headers={"Nats-Msg-Id": made})
        await self.link.ask(call)
        return made

    async def rejections(self, *, after: int = 0) -> AsyncGenerator[Rejection, None]:
        """The durable commands that were refused: those of the last 7 days after this position, then each new one."""
        if not isinstance(self.link.transport, NatsTransport):
            raise NotCarried("Rejections are read over NATS alone. Give a nats:// URL.")
        async for position, body in self.link.transport.kept("rejections", after):
            yield msgspec.structs.replace(msgspec.json.decode(body, type=Rejection), position=position)

    async def find(self, type: str, **request: Unpack[Request]) -> JobView | None:
        """The job that this submit would open, or None. Nothing is started and no click counted."""
        answer = await self._post("find", "/v1/jobs/find", {"type": type, **request})
        return None if answer.status == 204 else answer.read(JobView)

    async def get(self, job: Job, *, at: datetime | None = None) -> JobView:
        """The job now, or as the screen showed it at that moment."""
        query = {"at": at and at.isoformat()}
        call = Call(
            method="GET", path=_path(job), subject="api.get", job=_id(job), query=query, timeout_s=self._timeout_s
        )
        return (await self.link.ask(call)).read(JobView)

    async def list(
        self, *, owner: str | None = None, type: str | None = None, state: str | None = None, q: str | None = None,
        limit: int = 50, cursor: str | None = None,
    ) -> JobPage:  # fmt: skip
        """A page of the history, newest first; `q` finds title, ref and id."""
        query = {"owner": owner, "type": type, "state": state, "q": q, "limit": limit, "cursor": cursor}
        return (await self._get("/v1/jobs", query)).read(JobPage)

    async def watch(self, job: Job) -> AsyncGenerator[JobView, None]:
        """Each newer view until the job has ended; a dropped connection goes on where it broke."""
        async for view in Follower(self.link, _id(job), _path(job)).views():
            yield view

    async def wait(self, job: Job, *, timeout_s: float | None = None) -> JobView:
        """The view once the job has ended or needs a person. TookTooLong leaves the job running."""
        limit = asyncio.timeout(timeout_s)
        try:
            async with limit:
                async for view in self.watch(job):
                    if view.ended or view.needs_person:
                        return view
        except TimeoutError:
            if not limit.expired():
                raise
        raise TookTooLong(f"The job has not ended within {timeout_s} seconds. It still runs.")

    async def cancel(self, job: Job) -> JobView:
        """Stop it: at once before it has begun, else as soon as its worker has let go."""
        return (await self._post("cancel", f"{_path(job)}/cancel", {}, job)).read(JobView)

    async def retry(
        self, job: Job, *, scope: str = "all", confirm: bool = False, plan: str | RetryPlan | None = None,
        input: Mapping[str, object] | None = None,
    ) -> JobView:  # fmt: skip
        """A new run of the same job: `all`, or only its `failed_items`, with their corrected input if there is one.

        Where this may double or cost something it needs `confirm=True` and the `plan` that was shown; else Conflict.
        """
        hash = plan.plan if isinstance(plan, RetryPlan) else plan
        body = {"scope": scope, "confirm": confirm, "plan": hash, "input": input}
        return (await self._post("retry", f"{_path(job)}/retry", body, job)).read(JobView)

    async def retry_plan(self, job: Job, *, scope: str = "all") -> RetryPlan:
        """What a retry would do again, what it keeps, and the words to show before it."""
        return (await self._get(f"{_path(job)}/retry", {"scope": scope})).read(RetryPlan)

    async def items(self, job: Job, *, state: str | None = None) -> Sequence[Item]:
        """The ledger: which items are `ready`, `failed` or `open`."""
        return await self._items(f"{_path(job)}/items", state)

    async def problems(self, job: Job) -> Sequence[Item]:
        """What failed, with row, column and reason."""
        return await self._items(f"{_path(job)}/problems", None)

    async def problems_csv(self, job: Job) -> str:
        """The same as a file that a person can mend."""
        call = Call(method="GET", path=f"{_path(job)}/problems", headers={"Accept": "text/csv"})
        return (await self.link.ask(call)).body.decode()

    async def upload(self, source: File, *, owner: str | None = None, job: Job | None = None) -> Upload:
        """Store a file from a path, bytes or a stream. A stream that breaks off is raised: it can't be read twice.

        `owner`, or the `job` it is for: whose file it is until a job names it; else it goes when anybody is erased."""
        headers = {"Tidings-Job": _id(job)} if job else {}
        call = Call(path="/v1/uploads", query={"owner": owner}, headers=headers, body=source, timeout_s=FILE_S)
        return (await self.link.ask(call)).read(Upload)

    async def result(self, job: Job) -> bytes:
        """The result in memory; a large one is for `download`."""
        return (await self._get(f"{_path(job)}/result", {})).body

    async def download(self, job: Job, *, to: Path) -> Path:
        """Save the result. The file has its name only when it is whole."""
        return await self._save(f"{_path(job)}/result", to)

    async def download_upload(self, upload: str, *, to: Path) -> Path:
        """Save an uploaded file, as workers do with a job's input."""
        return await self._save(f"/v1/uploads/{quote(upload, safe='')}", to)

    async def define_type(self, name: str, definition: Mapping[str, object]) -> None:
        """Create or change a job type; its form is that of a TOML file."""
        await self.link.ask(Call(method="PUT", path=f"/v1/types/{quote(name)}", body=definition))

    async def _get(self, path: str, query: Mapping[str, object]) -> Answer:
        return await self.link.ask(Call(method="GET", path=path, query=query, timeout_s=self._timeout_s))

    async def _post(self, verb: str, path: str, body: Mapping[str, object], job: Job = "") -> Answer:
        call = Call(path=path, subject=f"api.{verb}", job=_id(job), body=body, timeout_s=self._timeout_s)
        return await self.link.ask(call)

    async def _items(self, path: str, state: str | None) -> Sequence[Item]:
        page = (await self._get(path, {"state": state})).read(ItemPage)
        found = page.items
        while page.next is not None:
            page = (await self._get(path, {"state": state, "cursor": page.next})).read(ItemPage)
            found += page.items
        return found

    async def _save(self, path: str, to: Path) -> Path:
        part = to.with_name(f"{to.name}.part")

        async def attempt() -> None:
            async with self.link.open(Call(method="GET", path=path, timeout_s=FILE_S)) as reply:
                with part.open("wb") as file:
                    async for chunk in reply.chunks:
                        await asyncio.to_thread(file.write, chunk)
                expected = reply.headers.get("content-length", "")
            if expected and "content-encoding" not in reply.headers and part.stat().st_size != int(expected):
                raise BadAnswer(f"The file ends before its {expected} bytes.")

        await self.link.resending(attempt)
        return part.replace(to)


def _transport(url: str, tenant: str, http_url: str | None) -> Transport:
    if url.startswith(("nats://", "tls://")):
        return NatsTransport(url, tenant=tenant, http=HttpTransport(http_url) if http_url else None)
    return HttpTransport(url)


def _id(job: Job) -> str:
    return job if isinstance(job, str) else job.id


def _path(job: Job) -> str:
    return f"/v1/jobs/{quote(_id(job), safe='')}"
