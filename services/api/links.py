"""Plain links that download: a path signed for one tenant until a time, so that no key is needed in the browser.

`?exp=<unix seconds>&sig=<tenant>.<MAC>`; the MAC covers tenant, path and time.
"""

import base64
import hmac
import time

from starlette.requests import Request

from schemas.envelope import Actor
from schemas.problems import Problem
from services.front.asked import Caller
from services.front.problems import refused

ROUND_S = 60  # a link stays the same for a minute, and with it the view that holds it

LINK = Actor("service", "link")


class Links:
    """Signs paths and reads what was signed."""

    def __init__(self, secret: bytes, ttl_s: int) -> None:
        self._secret = secret
        self._ttl_s = ttl_s

    def sign(self, tenant: str, path: str) -> str:
        """The path as a link that works for `ttl_s` seconds, and at most a minute longer."""
        expires = (int(time.time()) // ROUND_S + 1) * ROUND_S + self._ttl_s
        return f"{path}?exp={expires}&sig={tenant}.{self._mac(tenant, path, str(expires))}"

    def caller(self, request: Request) -> Caller:
        """Who may read this one path. Raises Refused (401) for a link that is forged or too old."""
        expires, sig = request.query_params.get("exp", ""), request.query_params.get("sig", "")
        tenant, _, mac = sig.partition(".")
        good = expires.isascii() and expires.isdecimal() and int(expires[:20]) >= time.time() and sig.isascii()
        if not good or not hmac.compare_digest(mac, self._mac(tenant, request.url.path, expires)):
            raise refused(Problem.UNAUTHORIZED)
        return Caller(tenant, frozenset({"read"}), LINK)

    def _mac(self, tenant: str, path: str, expires: str) -> str:
        mac = hmac.digest(self._secret, f"{tenant}\n{path}\n{expires}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
