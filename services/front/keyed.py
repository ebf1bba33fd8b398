"""Idempotency-Key: reading the header, and the digest that tells another body from the same one.

The digest is over RFC 8785 JSON of the body in its full form, so a field that is null and one that is missing are the
same; an upload counts by its SHA-256.
"""

import re
from collections.abc import Mapping
from hashlib import sha256

import msgspec

from schemas.problems import Fault
from services.front.bodies import invalid
from services.jobs.dedupe import by_content, canonical

KEY_MAX_CHARS = 255
_QUOTED = re.compile(r'^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$')
_BARE = re.compile(r"^[\x21-\x7e]+$")


def idempotency_key(header: str | None) -> str | None:
    """The key without its quotes. Raises Refused (422) for one that can't be told apart exactly."""
    if header is None:
        return None
    quoted = _QUOTED.match(header.strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header.strip()
    if len(key) > KEY_MAX_CHARS or not (quoted or (_BARE.match(key) and '"' not in key)):
        detail = f"must be 1 to {KEY_MAX_CHARS} visible ASCII characters, quoted or bare"
        raise invalid(Fault("Idempotency-Key", detail))
    return key


def body_digest(body: object, uploads: Mapping[str, str]) -> bytes:
    """SHA-256 of what was asked."""
    return sha256(canonical(by_content(msgspec.to_builtins(body), uploads))).digest()
