"""Passes for a person's browser: signed, short-lived, and good for one owner's jobs alone.

A product's own server asks for one with its key (`POST /v1/passes`) and gives it to the page, so no key is ever in a
browser. `tdp_<claims>.<MAC>`; nothing is stored, and nothing of another owner can be read, started or changed with it.
"""

import base64
import binascii
import hmac
import time
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from schemas.envelope import Actor, time_text
from services.front.asked import Caller

PREFIX = "tdp_"
SCOPES = frozenset({"read", "submit"})
TTL_S = 3600.0


class Claims(Struct, frozen=True):
    tenant: str
    owner: str
    until: int  # unix seconds


class Pass(Struct, frozen=True):
    """Send `token` as the bearer; it works until `expires_at`."""

    token: str
    owner: str
    expires_at: str


class Passes:
    """Signs passes and reads what was signed."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def give(self, tenant: str, owner: str, ttl_s: float) -> Pass:
        until = int(time.time() + ttl_s)
        claims = _text(msgspec.json.encode(Claims(tenant, owner, until)))
        token = f"{PREFIX}{claims}.{self._mac(claims)}"
        return Pass(token, owner, time_text(datetime.fromtimestamp(until, UTC)))

    def claims(self, token: str) -> Claims | None:
        """What a pass of ours says, whether or not its time is over; None for any other."""
        claims, _, mac = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or not token.isascii() or not hmac.compare_digest(mac, self._mac(claims)):
            return None
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)), type=Claims)
        except (binascii.Error, msgspec.DecodeError):
            return None

    def caller(self, token: str) -> Caller | None:
        """Who comes with it, while it works."""
        claims = self.claims(token)
        if claims is None or claims.until < time.time():
            return None
        return Caller(claims.tenant, SCOPES, Actor("user", claims.owner), claims.owner)

    def _mac(self, claims: str) -> str:
        return _text(hmac.digest(self._secret, claims.encode(), "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
