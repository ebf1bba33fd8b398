"""Files on their way out: streamed from the store, with their name, size and digest; a range where one is asked for."""

import re
from base64 import b64encode
from email.message import Message
from urllib.parse import quote

from asyncpg import Record
from starlette.responses import Response, StreamingResponse

from services.api.calls import Asked
from services.files import Stored
from services.front.problems import not_found
from services.front.uploads import find_upload, lock_of, own_name

MEDIA_TYPE = "application/octet-stream"

_RANGE = re.compile(r"^bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))$")


async def download(asked: Asked, upload: str, row: Record, name: str | None, ref: str) -> Response:
    """The file as an attachment. It is never shown in the page: its content is a stranger's.

    `name`: what it is called here, else its own name, else `ref`."""
    stored, media_type = Stored(row["size"], row["sha256"]), row["media_type"] or MEDIA_TYPE
    lock = await lock_of(asked, upload, row)
    name = name or own_name(row, lock) or ref
    etag = f'"{stored.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": attachment(name),
        "Repr-Digest": f"sha-256=:{_base64(stored.sha256)}:",
        "Tidings-SHA256": stored.sha256,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if etag in asked.request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    part = _part(asked, stored, etag)
    if part and part[0] >= part[1]:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{stored.size}"})
    start, end = part or (0, stored.size)
    found = await asked.parts.files.open(asked.tenant, upload, start, end if part else None, lock)
    if found is None and lock is None and (now := await _looked_up(asked, upload)) and now["sealed"]:
        return await download(asked, upload, now, name, ref)  # encrypted since the row was read
    if found is None:
        raise not_found(name)
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    return StreamingResponse(found.chunks, 206 if part else 200, headers, media_type)


async def _looked_up(asked: Asked, upload: str) -> Record | None:
    async with asked.parts.pool.acquire() as conn:
        return await find_upload(conn, asked.partition, asked.tenant, upload)


def _part(asked: Asked, stored: Stored, etag: str) -> tuple[int, int] | None:
    """[start, end) of one range; None where the whole file is meant, as for every form that we don't know."""
    found = _RANGE.match(asked.request.headers.get("range", ""))
    if found is None or asked.request.headers.get("if-range", etag) != etag:
        return None
    if found[3]:
        return (max(0, stored.size - int(found[3])), stored.size)
    return (int(found[1]), min(stored.size, int(found[2]) + 1 if found[2] else stored.size))


def attachment(name: str) -> str:
    """Content-Disposition with any name (RFC 6266): an ASCII form, and the true one in UTF-8."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%;/]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_name(content_disposition: str) -> str | None:
    """The name in such a header, if there is one."""
    message = Message()
    message["content-disposition"] = re.sub(r"[\r\n]", "", content_disposition)
    return message.get_filename()


def _base64(sha256: str) -> str:
    return b64encode(bytes.fromhex(sha256)).decode()
