"""Who calls over HTTP: the bearer key's tenant and scopes, or the one owner of a pass.

A key's answer is remembered for a second: a busy caller costs no query a call, and a revoked key ends within it.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import Request

from eventstore.postgres import Pool
from schemas.envelope import Actor
from schemas.ids import is_tenant_name
from schemas.problems import Fault, Problem
from services.front.asked import Caller
from services.front.bodies import invalid
from services.front.problems import refused
from services.keys import REMEMBERED_S, SERVE, Principal, find_key

REMEMBERED_MAX = 10_000
_HEADERS = "tidings.headers"  # in the scope of a request


def header(request: Request, name: str) -> str | None:
    """By its name in lower case. Each call asks for several: they are put in order once."""
    named: dict[bytes, bytes] | None = request.scope.get(_HEADERS)
    if named is None:
        named = request.scope[_HEADERS] = dict(reversed(request.scope["headers"]))  # of two, the first counts
    found = named.get(name.encode())
    return None if found is None else found.decode("latin-1")


class Keys:
    """Finds the caller behind a bearer key."""

    def __init__(self, pool: Pool, passes: Callable[[str], Caller | None]) -> None:
        self._pool = pool
        self._passes = passes
        self._known: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()
        self._asking: dict[bytes, tuple[float, asyncio.Task[Caller | None]]] = {}  # since when, by digest

    async def caller(self, request: Request) -> Caller:
        """Raises Refused (401) without a key that works now."""
        scheme, _, key = (header(request, "authorization") or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise refused(Problem.UNAUTHORIZED)
        if passed := self._passes(key):
            return passed
        digest = hashlib.sha256(key.encode("latin-1", "replace")).digest()
        until, caller = self._known.get(digest, (0.0, None))
        now = time.monotonic()
        if until < now:
            caller = await self._found(digest, key, now)
        if caller is None:
            raise refused(Problem.UNAUTHORIZED)
        return _acting(caller, header(request, "tidings-tenant"))

    async def _found(self, digest: bytes, key: str, now: float) -> Caller | None:
        """One question for all calls that come with a key while it is on its way, unless it takes too long."""
        since, asking = self._asking.get(digest, (0.0, None))
        if asking is None or since + REMEMBERED_S < now:
            asking = asyncio.create_task(self._ask(digest, key, now))
            self._asking[digest] = now, asking
        return await asyncio.shield(asking)

    async def _ask(self, digest: bytes, key: str, now: float) -> Caller | None:
        try:
            async with self._pool.acquire() as conn:
                caller = _caller(await find_key(conn, key))
        finally:
            if self._asking.get(digest, (0.0, None))[0] == now:
                del self._asking[digest]
        # From before the question: however long the answer took, a key revoked since is not taken longer.
        self._remember(digest, caller, now + REMEMBERED_S)
        return caller

    def _remember(self, digest: bytes, caller: Caller | None, until: float) -> None:
        self._known[digest] = (until, caller)
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)


def _caller(principal: Principal | None) -> Caller | None:
    if principal is None:
        return None
    return Caller(principal.tenant, principal.scopes, Actor("service", str(principal.key_id)))


def _acting(caller: Caller, tenant: str | None) -> Caller:
    """A worker of every tenant does each job's calls in that job's tenant, and nothing but a worker's calls."""
    if tenant is None or SERVE not in caller.scopes:
        return caller
    if not is_tenant_name(tenant):
        raise invalid(Fault("Tidings-Tenant", "must be a tenant's name"))
    return Caller(tenant, frozenset({"work"}), caller.actor)


def check_scope(caller: Caller, scopes: tuple[str, ...], *, owned: bool) -> None:
    """Any one of the scopes will do; a pass for one owner also wants a call that keeps to one owner's jobs."""
    if caller.owner is not None and not owned:
        raise refused(Problem.FORBIDDEN)
    if not caller.scopes.intersection(scopes):
        raise refused(Problem.FORBIDDEN, scope=scopes[0])
