"""One call on its way, whoever carries it: who asks, for which tenant, with which body and headers."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from projections.status.lookup import Lookup
from projections.status.view import render
from projections.waits.moment import Moment
from schemas.commands import IdempotencyKey, Outcome
from schemas.envelope import Actor, Cause
from schemas.ids import uuid7
from schemas.job import Job
from schemas.problems import Fault, Rejection
from schemas.requests import Body
from schemas.views import JobView
from services.files import Files
from services.front.bodies import decode, invalid
from services.front.keyed import body_digest, idempotency_key
from services.front.problems import Refused
from services.jobs.service import JobService
from services.private.vault import Vault
from services.settings import Settings
from services.waits.waits import Waits
from services.work.tokens import LeaseTokens
from services.work.waiting import WaitingClaims

B = TypeVar("B", bound=Body)

_ACTOR = re.compile(r"^(user|service|worker):([^\x00-\x1f\x7f]{1,200})$")
_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")

_decoders: dict[type, msgspec.json.Decoder[object]] = {}


class Parts(Struct, frozen=True, kw_only=True):
    """What the calls work with, made once for a process."""

    settings: Settings
    pool: Pool
    lookup: Lookup
    jobs: JobService
    files: Files
    tokens: LeaseTokens
    claims: WaitingClaims
    vault: Vault
    waits: Waits
    sign: Callable[[str, str], str]  # tenant and path to a link that needs no key

    def partition(self, tenant: str) -> int:
        return partition_of(tenant, self.settings.partitions)


class Caller(Struct, frozen=True):
    """The tenant that a call belongs to, what it may do, and who acts where the call does not say."""

    tenant: str
    scopes: frozenset[str]
    actor: Actor
    owner: str | None = None  # the only one whose jobs it may use; None: all of the tenant's

    def may_use(self, owner: str) -> bool:
        return self.owner in {None, owner}


class Reply(Struct, frozen=True):
    """What a call answers: a status of HTTP, what is encoded as its body (None: no body), and headers."""

    status: int
    body: object
    headers: Mapping[str, str] = {}


class Asked(ABC):
    """One call, after its caller is known."""

    __slots__ = ("caller", "language", "parts")

    @property
    def answer_max_bytes(self) -> int | None:
        """Where whoever carries the answer has a limit."""
        return None

    def __init__(self, parts: Parts, caller: Caller, language: str) -> None:
        self.parts = parts
        self.caller = caller
        self.language = language

    @abstractmethod
    def header(self, name: str) -> str | None:
        """A header by its name in lower case."""

    @abstractmethod
    async def raw(self, limit: int | None = None) -> bytes:
        """The whole body. Raises Refused (413) beyond the limit, by default that of a JSON body."""

    @abstractmethod
    def gone(self) -> AbstractAsyncContextManager[asyncio.Future[None]]:
        """Done when the caller no longer waits for the answer. Enter it once the body is read."""

    @property
    def tenant(self) -> str:
        return self.caller.tenant

    @property
    def partition(self) -> int:
        return self.parts.partition(self.caller.tenant)

    async def body(self, kind: type[B], limit: int | None = None) -> B:
        return read_as(await self.raw(limit), kind)

    async def view(self, job: Job, at: datetime) -> JobView:
        """The job as it is now, in the caller's language, its downloads as plain links, what is private readable."""
        (view,) = await self.views([job], at)
        return view

    async def past_view(self, job: Job, at: datetime) -> JobView:
        """The job as it was at a past moment, with the wait that was last stated by then."""
        (job,) = await self.revealed([job])
        return self.rendered(job, at, None)

    def rendered(self, job: Job, at: datetime, now: Moment | None) -> JobView:
        """A job whose private fields are as they may be seen. `now`: None for the wait that was last stated."""
        return render(job, self.language, sign=partial(self.parts.sign, self.tenant), as_of=at, now=now)

    async def views(self, jobs: Sequence[Job], at: datetime) -> list[JobView]:
        """The same for many, with one query for all that is private."""
        return [self.rendered(job, at, self.parts.waits.moment(job, at)) for job in await self.revealed(jobs)]

    async def revealed(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """The jobs with their private fields as this caller's tenant may see them."""
        if not any(job.definition.private for job in jobs):
            return jobs
        async with self.parts.pool.acquire() as conn:
            return await self.parts.vault.revealed(conn, self.partition, jobs)

    def cause(self) -> Cause:
        """Who did it and the ids that tie its events to this call. A bad trace is nobody's mistake; a bad actor is."""
        named, trace = self.header("tidings-actor"), self.header("traceparent") or ""
        own = named is None or self.caller.owner is not None  # a person's browser speaks for nobody else
        return Cause(
            actor=self.caller.actor if own else _actor(named or ""),
            causation_id=uuid7(),
            traceparent=trace if _TRACEPARENT.match(trace) else None,
        )

    def named_key(self) -> str | None:
        """The caller's Idempotency-Key."""
        return idempotency_key(self.header("idempotency-key"))

    def key(self, call: str, body: Body, uploads: Mapping[str, str] | None = None) -> IdempotencyKey | None:
        """What makes the call count once, bound to this call and body."""
        named = self.named_key()
        return None if named is None else IdempotencyKey(call, named, body_digest(body, uploads or {}))


def _actor(named: str) -> Actor:
    found = _ACTOR.match(named.strip())
    if found is None:
        detail = 'must be "user:ID", "service:ID" or "worker:ID", with an ID of at most 200 characters'
        raise invalid(Fault("Tidings-Actor", detail))
    return Actor(found[1], found[2])


def read_as(raw: bytes, kind: type[B]) -> B:
    """A body in its form, by a decoder that is made once for each form."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    body = decode(raw, kind, decoder)
    assert isinstance(body, kind)  # noqa: S101 - the decoder's promise, said to the type checker
    return body


def position(outcome: Outcome) -> dict[str, str]:
    """Where the write stands in the log."""
    return {"Tidings-Position": f"{outcome.partition}:{outcome.position}"}


def accepted(outcome: Outcome | Rejection) -> Outcome:
    """The outcome, or the refusal raised."""
    if isinstance(outcome, Rejection):
        raise Refused(outcome)
    return outcome
