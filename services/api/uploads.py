"""Uploaded files: streamed in, named in a job's input as `{"upload": id}`, streamed back to workers.

The object comes first and its row after it, so a row always has its file; an upload that was cut leaves neither.
Every object is encrypted from its first byte (docs/private.md).
"""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from eventstore.postgres import AWAY
from eventstore.private import files as file_keys
from eventstore.private.files import bound
from eventstore.private.stream import Lock
from projections.status.read import read_job
from schemas.ids import is_uuid, uuid7
from schemas.private import REMOVED
from schemas.problems import Fault, Problem, Rejection
from services.api.calls import Asked, Call, Query, answer
from services.api.downloads import MEDIA_TYPE, download, file_name
from services.front.bodies import invalid, too_large
from services.front.problems import Refused, not_found, refused
from services.front.uploads import find_upload

CALL = "POST /v1/uploads"
NAME_MAX_CHARS = 255
OWNER_MAX_CHARS = 200

_INSERT = """insert into uploads (partition, tenant, id, sha256, size, name, media_type, sealed)
    values ($1, $2, $3, $4, $5, $6, $7, true)"""
# Waits for another upload with the same key until that one is committed or gone.
_KEEP = """insert into idempotency (partition, tenant, call, key, body, status, answer, position, at)
    select $1, $2, $3, $4, $5, 201, $6, position, clock_timestamp() from heads where partition = $1
    on conflict do nothing"""
_KEPT = "select body, answer from idempotency where partition = $1 and tenant = $2 and call = $3 and key = $4"
_HEAD = "select position from heads where partition = $1"


class Upload(Struct, frozen=True):
    """What was stored; `{"upload": id}` names it in a job's input."""

    id: str
    sha256: str
    size: int


async def create_upload(asked: Asked) -> Response:
    """Store the body. Sent again with its Idempotency-Key it is the same upload."""
    limit = asked.parts.settings.upload_max_bytes
    told = asked.request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > limit:
        raise too_large("file", limit)
    key, name = asked.named_key(), _name(asked)
    media_type = asked.request.headers.get("content-type", MEDIA_TYPE)[:200]
    upload = uuid7()
    secret = await _secret(asked, upload)
    try:
        stored = await asked.parts.files.put(asked.tenant, upload, _bounded(asked.request, limit), secret)
        name = Lock(secret, bound(asked.tenant, upload), stored.size).seal_name(name)
        made = Upload(upload, stored.sha256, stored.size)
        kept, position = await _record(asked, made, name, media_type, key)
    except BaseException:
        await _drop(asked, upload)
        raise
    if kept.id != upload:
        await _drop(asked, upload)
    headers = {"Location": f"/v1/uploads/{kept.id}", "Tidings-Position": f"{asked.partition}:{position}"}
    return answer(kept, 201, headers)


async def _secret(asked: Asked, upload: str) -> bytes:
    """The key of the file, kept before the first byte comes: so that an erasure meanwhile finds it."""
    owner = asked.parameter("owner") or asked.caller.owner
    job = asked.parameter("job") or asked.header("tidings-job")
    if owner is not None and len(owner) > OWNER_MAX_CHARS:
        raise invalid(Fault("owner", f"must have at most {OWNER_MAX_CHARS} characters"))
    if owner is not None and not asked.caller.may_use(owner):
        raise refused(Problem.FORBIDDEN)
    async with asked.parts.pool.acquire() as conn:
        found = await read_job(conn, asked.partition, asked.tenant, job) if job and is_uuid(job) else None
        if job is not None and (found is None or not asked.caller.may_use(found.owner)):
            raise invalid(Fault("job", "names no job of yours"))
        secret = await asked.parts.vault.new_key(
            conn, asked.partition, asked.tenant, upload, found.owner if found else owner
        )
        if found and found.definition.private:  # asked only now: from here on an erasure sees the file
            (shown,) = await asked.parts.vault.revealed(conn, asked.partition, [found])
            if shown.veil == REMOVED:
                await file_keys.drop_new(conn, asked.partition, upload)
                raise refused(Problem.REMOVED, name=found.ref)
    return secret


async def _drop(asked: Asked, upload: str) -> None:
    """A file that did not come to be. Where the database is away its key goes with the files that no job ever named."""
    await asked.parts.files.remove(asked.tenant, upload)
    with contextlib.suppress(*AWAY):
        async with asked.parts.pool.acquire() as conn:
            await file_keys.drop_new(conn, asked.partition, upload)


async def _record(
    asked: Asked, upload: Upload, name: str | None, media_type: str, key: str | None
) -> tuple[Upload, int]:
    """The upload that counts: this one, or the first with its key."""
    async with asked.parts.pool.acquire() as conn, conn.transaction():
        position: int = await conn.fetchval(_HEAD, asked.partition)
        if key is not None:
            own = asked.partition, asked.tenant, CALL, key
            body = bytes.fromhex(upload.sha256)
            if await conn.execute(_KEEP, *own, body, msgspec.json.encode(upload)) == "INSERT 0 0":
                first = await conn.fetchrow(_KEPT, *own)
                if first is None or first["body"] != body:
                    raise Refused(Rejection(Problem.KEY_REUSED, {"key": key}))
                return msgspec.json.decode(first["answer"], type=Upload), position
        if not await file_keys.still_new(conn, asked.partition, upload.id):
            raise refused(Problem.REMOVED)  # erased while it came
        row = asked.partition, asked.tenant, UUID(upload.id), upload.sha256, upload.size, name, media_type
        await conn.execute(_INSERT, *row)
        return upload, position


async def read_upload(asked: Asked) -> Response:
    """The file, for the worker whose job's input names it."""
    upload = asked.id()
    async with asked.parts.pool.acquire() as conn:
        row = await find_upload(conn, asked.partition, asked.tenant, upload)
    if row is None:
        raise not_found(upload)
    return await download(asked, upload, row, None, upload)


async def _bounded(request: Request, limit: int) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large("file", limit)
        if chunk:
            yield chunk


def _name(asked: Asked) -> str | None:
    """The file's own name, without any folders; from the address, or a header."""
    headers = asked.request.headers
    told = asked.parameter("name") or headers.get("tidings-name") or file_name(headers.get("content-disposition", ""))
    name = (told or "").replace("\\", "/").rpartition("/")[2].strip()
    if len(name) > NAME_MAX_CHARS or not all(c.isprintable() for c in name):
        raise invalid(Fault("name", f"must have at most {NAME_MAX_CHARS} printable characters"))
    return name or None


CALLS = (
    Call(
        method="POST",
        path="/v1/uploads",
        owned=True,
        handler=create_upload,
        scopes=("submit", "work"),
        summary='Store a file; a job\'s input names it as {"upload": id}',
        body=MEDIA_TYPE,
        answers={201: Upload},
        query=(
            Query("name", "The file's own name; also taken from Tidings-Name or Content-Disposition"),
            Query("owner", "Whose it is. What no job names yet and says nobody's name goes at anybody's erasure"),
            Query(
                "job", "Or the job it is for, whose owner's it is then: a result, before the worker's finish names it"
            ),
        ),
        refuses=(Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED, Problem.REMOVED),
        writes=True,
    ),
    Call(
        method="GET",
        path="/v1/uploads/{id}",
        handler=read_upload,
        scopes=("read", "work"),
        summary="The file",
        answers={200: MEDIA_TYPE},
    ),
)
