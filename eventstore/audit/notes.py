"""Signed notes and checkpoints as C2SP has them (signed-note, tlog-checkpoint), with Ed25519 (RFC 8032).

A checkpoint is a note whose text is three lines: the log's origin, the size of its tree, the root in base64. Reading
is strict: what can't be written this way is refused, so that nobody can read one note in two ways.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

ED25519 = b"\x01"  # the signature type of C2SP
SEED_BYTES, HASH_BYTES = 32, 32
SIGNATURES_MAX = 64
NOTE_MAX_BYTES = 64 * 1024
SIZE_MAX = 2**63 - 1

_NAME = re.compile(r"[^\s+]+")
_SIGNED = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """Not a note that a known key has signed; says why."""


class BadKey(ValueError):
    """Not a key; says what it must look like."""


class PublicKey(Struct, frozen=True):
    """Who may have signed: the key's name, and its 32 bytes."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        """As people hand it on: `<name>+<id in hex>+<base64 of type and key>`."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.raw).decode()}"

    @classmethod
    def read(cls, text: str) -> "PublicKey":
        """Raises BadKey."""
        name, _, rest = text.strip().partition("+")
        id_, _, key = rest.partition("+")
        raw = strict_base64(key)
        if raw is None or len(raw) != 33 or raw[:1] != ED25519 or not _NAME.fullmatch(name):
            raise BadKey(f"{text[:80]!r} is no public key: it must look like NAME+0a1b2c3d+BASE64.")
        found = cls(name, raw[1:])
        if found.id.hex() != id_:
            raise BadKey(f"{text[:80]!r} is no public key: its id does not fit the rest.")
        return found


class Signer:
    """A private key with its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        return self._key.sign(text.encode())


class Head(Struct, frozen=True):
    """What a checkpoint says: of which log, how many leaves its tree has, and the root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def seeds(text: str) -> list[bytes]:
    """Private keys from a setting: each 32 bytes in base64, separated by commas, the present one first."""
    found = [strict_base64(part.strip()) for part in text.split(",")]
    if any(seed is None or len(seed) != SEED_BYTES for seed in found):
        raise BadKey("A checkpoint key must be 32 random bytes in base64, such as `openssl rand -base64 32` makes.")
    return [seed for seed in found if seed]


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The whole note, signed by each of them. The text ends with a newline."""
    lines = [
        f"— {signer.public.name} {base64.b64encode(signer.public.id + signer.sign(text)).decode()}\n"
        for signer in signers
    ]
    return f"{text}\n{''.join(lines)}"


def signatures(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text, and (name, key id, signature) of each line below it. Raises BadNote; trusts nobody."""
    if len(note) > NOTE_MAX_BYTES or _CONTROL.search(note):
        raise BadNote("is too long for a note, or has control characters")
    text, blank, below = note.rpartition("\n\n")
    lines = below.split("\n")
    if not blank or lines.pop() != "" or not 0 < len(lines) <= SIGNATURES_MAX:
        raise BadNote("is no text with signatures below it")
    return f"{text}\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNED.fullmatch(line)
    raw = strict_base64(found[2]) if found else None
    if found is None or raw is None or len(raw) < 5:
        raise BadNote("has a signature that can't be read")
    return found[1], raw[:4], raw[4:]


def open_note(note: str, keys: Iterable[PublicKey]) -> tuple[str, list[PublicKey]]:
    """The text, and who of `keys` has signed it: at least one, and none of them wrongly. Raises BadNote."""
    text, signed = signatures(note)
    known = {(key.name, key.id): key for key in keys}
    by = []
    for name, id_, signature in signed:
        key = known.get((name, id_))
        if key is None:
            continue  # an unknown key says nothing, good or bad
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise BadNote(f"has a signature of {name} that is not of this text") from None
        by.append(key)
    if not by:
        raise BadNote("is not signed by a key that is trusted")
    return text, by


def read_head(text: str) -> Head:
    """A checkpoint's text. Lines after the third may come and say nothing to us. Raises BadNote."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise BadNote("is no checkpoint: it needs an origin, a size and a root, each on its line")
    root = strict_base64(lines[2])
    if not _SIZE.fullmatch(lines[1]) or int(lines[1]) > SIZE_MAX or root is None or len(root) != HASH_BYTES:
        raise BadNote("is no checkpoint: its size or its root can't be read")
    return Head(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, keys: Iterable[PublicKey]) -> Head:
    """Raises BadNote."""
    return read_head(open_note(note, keys)[0])


def strict_base64(text: str) -> bytes | None:
    """Standard base64, in the only way that it can be written; None for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None
