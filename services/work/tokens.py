"""Lease tokens: which attempt a worker holds, in a form that only the service can make.

base64url of job id, run, attempt and a MAC over tenant and these. A token needs no look-up to be told from a forged
or foreign one; whether its attempt still counts is decided under the head lock.
"""

import base64
import binascii
import hmac
from struct import Struct as Layout

from msgspec import Struct

from schemas.ids import bytes_of, id_of

_LAYOUT = Layout(">16sII")
_MAC_BYTES = 32


class Lease(Struct, frozen=True):
    """One attempt of one job."""

    job: str
    run: int
    attempt: int


class LeaseTokens:
    """Makes and reads the tokens of all tenants; the tenant is part of the MAC, so a foreign token is a forged one."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, tenant: str, lease: Lease) -> str:
        named = _LAYOUT.pack(bytes_of(lease.job), lease.run, lease.attempt)
        return base64.urlsafe_b64encode(named + self._mac(tenant, named)).rstrip(b"=").decode()

    def read(self, tenant: str, token: str) -> Lease | None:
        """None for what was never made for this tenant."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        named, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, self._mac(tenant, named)):
            return None
        job, run, attempt = _LAYOUT.unpack(named)
        return Lease(id_of(job), run, attempt)

    def _mac(self, tenant: str, named: bytes) -> bytes:
        return hmac.digest(self._secret, tenant.encode() + b"\0" + named, "sha256")
