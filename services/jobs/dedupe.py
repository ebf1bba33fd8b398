"""When two requests are the same: a digest over the fields that the job type names.

Tenant and type always count; an upload counts by its SHA-256, not its id. Digests are over RFC 8785 JSON.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec
import rfc8785
from msgspec import Struct

from schemas import requests
from schemas.commands import SubmitJob
from schemas.events import Json
from schemas.job import Job
from schemas.jobtypes import NEVER, JobType


class Memory(Struct, frozen=True):
    """What the dedupe table remembers of a request. It outlives the job's own row."""

    job: str
    first_at: datetime
    until: datetime | None
    active: bool

    def holds(self, now: datetime) -> bool:
        """A repeat at `now` meets this job: it is active, or within its rule's period."""
        return self.active or (self.until is not None and now < self.until)


INTEGER_MAX = 2**53 - 1
INEXACT = "has a number that JSON can't keep exactly: whole numbers go to 9,007,199,254,740,991"  # it may be private
_sorted = msgspec.json.Encoder(order="sorted")


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes. Raises rfc8785.CanonicalizationError on what JSON can't carry exactly (integers beyond 2^53).

    Most requests hold no fractions and no unusual names: for these msgspec writes the same bytes in far less time.
    """
    return _sorted.encode(value) if _is_plain(value) else rfc8785.dumps(value)  # type: ignore[arg-type]  # decoded JSON


def _is_plain(value: Json) -> bool:
    """No float (it is written as in JavaScript), no name outside ASCII (names sort by UTF-16), no huge integer."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if isinstance(value, dict):
        return all(name.isascii() and _is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return kind is int and -INTEGER_MAX <= value <= INTEGER_MAX  # type: ignore[operator]  # an int


def by_content(value: Json, uploads: Mapping[str, str]) -> Json:
    """The value with each `{"upload": id}` named by its SHA-256."""
    if not uploads:
        return value
    if isinstance(value, dict):
        upload = value.get("upload")
        if isinstance(upload, str) and upload in uploads:
            return {**{k: by_content(v, uploads) for k, v in value.items() if k != "upload"}, "upload": uploads[upload]}
        return {k: by_content(v, uploads) for k, v in value.items()}
    if isinstance(value, list):
        return [by_content(v, uploads) for v in value]
    return value


def request_digest(kind: JobType, tenant: str, body: requests.Submit, uploads: Mapping[str, str]) -> str | None:
    """Hex SHA-256 of what makes this request the same as another. None where the type says that nothing is."""
    if kind.dedupe.for_ == NEVER:
        return None
    whole: dict[str, Json] = {
        "owner": body.owner,
        "input": by_content(body.input, uploads),
        "settings": by_content(body.settings, uploads),
    }
    chosen = {path: _at(whole, path.split(".")) for path in kind.dedupe.same}
    return sha256(canonical({"tenant": tenant, "type": body.type, "same": chosen})).hexdigest()


def digest_of(kind: JobType, command: SubmitJob) -> str | None:
    """The same for a command. Where its private fields are encrypted already, the digest was made before."""
    return command.digest if command.hidden else request_digest(kind, command.tenant, command.body, command.uploads)


def _at(value: Json, path: list[str]) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def still_own(memory: Memory | None, job: Job, now: datetime) -> bool:
    """No newer job holds this job's key, so it may run again and take the key back."""
    return memory is None or memory.job == job.id or not memory.holds(now)
