"""Who calls: the bearer key's tenant and scopes, and the person or service on whose behalf a write comes.

A key's answer is remembered for about a second: a busy caller costs no query a call, and a withdrawn key ends soon.
"""

import hashlib
import re
import time
from collections import OrderedDict

from msgspec import Struct
from starlette.requests import Request

from eventstore.postgres import Pool
from schemas.envelope import Actor, Cause
from schemas.ids import uuid7
from schemas.problems import Fault, Problem
from services.api.bodies import invalid
from services.api.problems import refused
from services.keys import Principal, find_key

REMEMBERED_S = 1.0
REMEMBERED_MAX = 10_000

_ACTOR = re.compile(r"^(user|service|worker):([^\x00-\x1f\x7f]{1,200})$")
_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")


class Caller(Struct, frozen=True):
    """The tenant that a call belongs to, what it may do, and who acts where the call does not say."""

    tenant: str
    scopes: frozenset[str]
    actor: Actor


class Keys:
    """Finds the caller behind a bearer key."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()

    async def caller(self, request: Request) -> Caller:
        """Raises Refused (401) without a key that works now."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise refused(Problem.UNAUTHORIZED)
        digest = hashlib.sha256(key.encode("latin-1", "replace")).digest()
        until, caller = self._known.get(digest, (0.0, None))
        if until < time.monotonic():
            async with self._pool.acquire() as conn:
                caller = _caller(await find_key(conn, key))
            self._remember(digest, caller)
        if caller is None:
            raise refused(Problem.UNAUTHORIZED)
        return caller

    def _remember(self, digest: bytes, caller: Caller | None) -> None:
        self._known[digest] = (time.monotonic() + REMEMBERED_S, caller)
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)


def _caller(principal: Principal | None) -> Caller | None:
    if principal is None:
        return None
    return Caller(principal.tenant, principal.scopes, Actor("service", str(principal.key_id)))


def check_scope(caller: Caller, scopes: tuple[str, ...]) -> None:
    """Any one of the scopes will do."""
    if not caller.scopes.intersection(scopes):
        raise refused(Problem.FORBIDDEN, scope=scopes[0])


def cause_of(request: Request, caller: Caller) -> Cause:
    """Who did it and the ids that tie its events to this call. A bad trace is nobody's mistake; a bad actor is."""
    named = request.headers.get("tidings-actor")
    trace = request.headers.get("traceparent", "")
    return Cause(
        actor=caller.actor if named is None else _actor(_utf8(named)),
        causation_id=uuid7(),
        traceparent=trace if _TRACEPARENT.match(trace) else None,
    )


def _actor(named: str) -> Actor:
    found = _ACTOR.match(named.strip())
    if found is None:
        detail = 'must be "user:ID", "service:ID" or "worker:ID", with an ID of at most 200 characters'
        raise invalid(Fault("Tidings-Actor", detail))
    return Actor(found[1], found[2])


def _utf8(header: str) -> str:
    """Header bytes come as Latin-1; names are sent in UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
