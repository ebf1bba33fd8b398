"""A NATS message as a call: its subject names the tenant and the verb, its headers are those of HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from schemas.envelope import Actor
from schemas.ids import is_tenant_name
from schemas.messages import negotiate
from schemas.problems import Fault
from services.front.asked import Asked, Caller, Parts
from services.front.bodies import invalid, too_large
from services.keys import DEFAULT_SCOPES

NATS = Actor("service", "nats")  # who acts where a message does not say
_TENANT, _VERB, _TOKENS = 3, 4, 5  # of tidings.v1.<kind>.<tenant>.<verb>


class NatsAsked(Asked):
    """Whoever may publish on a tenant's subjects may do all that this tenant's own keys may."""

    __slots__ = ("_headers", "data", "tokens")

    def __init__(self, parts: Parts, msg: Msg) -> None:
        self.tokens = msg.subject.split(".")
        self.data = msg.data
        self._headers = {name.lower(): value for name, value in (msg.headers or {}).items()}
        tenant = self.tokens[_TENANT] if len(self.tokens) > _TENANT else "_"
        caller = Caller(tenant, frozenset(DEFAULT_SCOPES), NATS)
        super().__init__(parts, caller, negotiate(self._headers.get("accept-language")))

    @property
    def verb(self) -> str:
        return self.tokens[_VERB] if len(self.tokens) == _TOKENS else ""

    def check_tenant(self) -> None:
        if not is_tenant_name(self.tenant):
            detail = "must be 1 to 63 of a-z, 0-9 and -, not beginning with -: the subject's fourth word"
            raise invalid(Fault("tenant", detail))

    def header(self, name: str) -> str | None:
        return self._headers.get(name)

    async def raw(self, limit: int | None = None) -> bytes:
        limit = limit or self.parts.settings.json_body_max_bytes
        if len(self.data) > limit:
            raise too_large("body", limit)
        return self.data

    @asynccontextmanager
    async def gone(self) -> AsyncIterator[asyncio.Future[None]]:
        """NATS does not say who still listens: what a worker has claimed and never got is lost with its lease."""
        yield asyncio.get_running_loop().create_future()
