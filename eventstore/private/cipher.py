"""One person's key at work: fields as markers, and the keys of files. AES-256-GCM (NIST SP 800-38D).

A field's nonce is a MAC of what it is and where it stands, so the same value in the same place gives the same marker
(a report said twice is known again), and no nonce ever meets two values under one key.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.private import PREFIX

KEY_BYTES, ID_BYTES, NONCE_BYTES, TAG_BYTES = 32, 8, 12, 16


class Unreadable(ValueError):
    """Not a ciphertext of this key in this place: another key's, moved, or changed."""


class PersonKey:
    """`id` names the key in what it encrypted. `raw` is all of the secret."""

    __slots__ = ("_fields", "_nonces", "id", "raw")

    def __init__(self, key_id: bytes, raw: bytes) -> None:
        self.id = key_id
        self.raw = raw
        self._fields = AESGCM(derived(raw, b"tidings fields"))
        self._nonces = derived(raw, b"tidings nonces")

    def seal(self, plain: bytes, bound: bytes) -> str:
        """A marker. `bound`: where it stands; it can't be read anywhere else."""
        nonce = hmac.digest(self._nonces, len(bound).to_bytes(4, "big") + bound + plain, "sha256")[:NONCE_BYTES]
        sealed = nonce + self._fields.encrypt(nonce, plain, bound)
        return f"{PREFIX}{self.id.hex()}:{urlsafe_b64encode(sealed).decode()}"

    def open(self, marker: str, bound: bytes) -> bytes:
        """Raises Unreadable."""
        key_id, _, text = marker.removeprefix(PREFIX).partition(":")
        if not marker.startswith(PREFIX) or key_id != self.id.hex():
            raise Unreadable("another key's")
        try:
            sealed = urlsafe_b64decode(text)
            return self._fields.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, NotBase64, ValueError) as error:
            raise Unreadable("changed or moved") from error

    def mac(self, data: bytes) -> bytes:
        """What stands for data that must be known again but never read."""
        return hmac.digest(derived(self.raw, b"tidings digests"), data, "sha256")


def derived(key: bytes, purpose: bytes) -> bytes:
    """HKDF-Expand (RFC 5869, 2.3) to 32 bytes; the key is uniformly random, so there is nothing to extract."""
    return hmac.digest(key, purpose + b"\1", "sha256")


def bound_to(*parts: str) -> bytes:
    """Where a ciphertext stands, as its associated data. No part has a line feed but perhaps the last one."""
    return "\n".join(parts).encode()


def wrap(key: bytes, secret: bytes, nonce: bytes, bound: bytes) -> bytes:
    """nonce ‖ ciphertext ‖ tag."""
    return nonce + AESGCM(key).encrypt(nonce, secret, bound)


def unwrap(key: bytes, wrapped: bytes, bound: bytes) -> bytes:
    """Raises Unreadable."""
    try:
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise Unreadable("changed or moved") from error
