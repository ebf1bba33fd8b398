"""Uploaded files: streamed in, named in a job's input as `{"upload": id}`, streamed back to workers.

The object comes first and its row after it, so a row always has its file; an upload that was cut leaves neither.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from eventstore.private.files import bound
from eventstore.private.stream import Lock
from schemas.ids import uuid7
from schemas.problems import Fault, Problem, Rejection
from services.api.calls import Asked, Call, Query, answer
from services.api.downloads import MEDIA_TYPE, download, file_name
from services.front.bodies import invalid, too_large
from services.front.problems import Refused, not_found
from services.front.uploads import find_upload

CALL = "POST /v1/uploads"
NAME_MAX_CHARS = 255

_INSERT = """insert into uploads (partition, tenant, id, sha256, size, name, media_type, sealed)
    values ($1, $2, $3, $4, $5, $6, $7, $8)"""
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
    async with asked.parts.pool.acquire() as conn:
        secret = await asked.parts.vault.new_key(conn, asked.partition, asked.tenant, upload)
    stored = await asked.parts.files.put(asked.tenant, upload, _bounded(asked.request, limit), secret)
    if secret is not None:
        name = Lock(secret, bound(asked.tenant, upload), stored.size).seal_name(name)
    made = Upload(upload, stored.sha256, stored.size)
    try:
        kept, position = await _record(asked, made, name, media_type, key, sealed=secret is not None)
    except BaseException:
        await asked.parts.files.remove(asked.tenant, upload)
        raise
    if kept.id != upload:
        await asked.parts.files.remove(asked.tenant, upload)
    headers = {"Location": f"/v1/uploads/{kept.id}", "Tidings-Position": f"{asked.partition}:{position}"}
    return answer(kept, 201, headers)


async def _record(
    asked: Asked, upload: Upload, name: str | None, media_type: str, key: str | None, *, sealed: bool
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
        row = asked.partition, asked.tenant, UUID(upload.id), upload.sha256, upload.size, name, media_type, sealed
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
        query=(Query("name", "The file's own name; also taken from Tidings-Name or Content-Disposition"),),
        refuses=(Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED),
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
