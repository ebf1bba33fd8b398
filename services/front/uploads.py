"""Uploads that are named in a body: `{"upload": id}`, anywhere in it, must be one of the tenant's own."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from asyncpg import Record

from eventstore.postgres import Connection
from eventstore.private.stream import Lock
from schemas.events import Json
from schemas.ids import is_uuid
from schemas.problems import Fault, Problem, Rejection
from services.front.asked import Asked
from services.front.bodies import escape
from services.front.problems import Refused, refused
from services.private.late import seal_clear

_SHA = "select id::text, sha256, sealed from uploads where partition = $1 and tenant = $2 and id = any($3)"
_FIND = "select sha256, size, name, media_type, sealed from uploads where partition = $1 and tenant = $2 and id = $3"


def _mentions_upload(value: Json) -> bool:
    """Most inputs name none; they pay for no pointers."""
    if isinstance(value, dict):
        return "upload" in value or any(map(_mentions_upload, value.values()))
    return isinstance(value, list) and any(map(_mentions_upload, value))


def named_uploads(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    """(pointer, id) of each `{"upload": id}` anywhere in a decoded value."""
    left = [(pointer, value)] if _mentions_upload(value) else []
    while left:
        at, inner = left.pop()
        if isinstance(inner, dict):
            named = inner.get("upload")
            if isinstance(named, str):
                yield f"{at}/upload", named
            left += [(f"{at}/{escape(str(name))}", each) for name, each in inner.items() if name != "upload"]
            if isinstance(named, dict | list):
                left.append((f"{at}/upload", named))
        elif isinstance(inner, list):
            left += [(f"{at}/{n}", each) for n, each in enumerate(inner)]


async def uploads_in(asked: Asked, value: Json, pointer: str) -> dict[str, str]:
    """SHA-256 by id of every upload named in a value. Raises Refused (422) for one that this tenant does not have."""
    named = list(named_uploads(value, pointer))
    known = await uploads_sha256(asked, (each for _, each in named))
    if missing := unknown_uploads(named, known):
        raise Refused(missing)
    return known


async def uploads_sha256(asked: Asked, ids: Iterable[str]) -> dict[str, str]:
    """SHA-256 by id of those that this tenant has: one query for all, none where nothing is named. What is named is
    encrypted from then on."""
    wanted = {UUID(each) for each in ids if is_uuid(each)}
    if not wanted:
        return {}
    async with asked.parts.pool.acquire() as conn:
        rows = await conn.fetch(_SHA, asked.partition, asked.tenant, list(wanted))
    await seal_clear(asked, [row["id"] for row in rows if not row["sealed"]])
    return {row["id"]: row["sha256"] for row in rows}


def unknown_uploads(named: Iterable[tuple[str, str]], known: dict[str, str]) -> Rejection | None:
    """422 where an upload is named that this tenant does not have."""
    missing = [(pointer, each) for pointer, each in named if each not in known]
    if not missing:
        return None
    faults = tuple(Fault(pointer, "names no upload of yours") for pointer, _ in missing[:20])
    return Rejection(Problem.UNKNOWN_UPLOAD, {"name": name if is_uuid(name := missing[0][1]) else "none"}, faults)


async def find_upload(conn: Connection, partition: int, tenant: str, upload: str) -> Record | None:
    """sha256, size, name, media_type and `sealed` (is it encrypted) of an upload of this tenant."""
    found: Record | None = await conn.fetchrow(_FIND, partition, tenant, UUID(upload))
    return found


def own_name(row: Record, lock: Lock | None) -> str | None:
    """What whoever uploaded it called it."""
    name: str | None = row["name"]
    return lock.open_name(name) if lock else name


async def lock_of(asked: Asked, upload: str, row: Record) -> Lock | None:
    """What the file is read with; None for one that is not encrypted. Raises Refused (410) where its keys are gone."""
    if not row["sealed"]:
        return None
    async with asked.parts.pool.acquire() as conn:
        found = await asked.parts.vault.lock(conn, asked.partition, asked.tenant, upload, row["size"])
    if found is None:
        raise refused(Problem.REMOVED)
    return found
