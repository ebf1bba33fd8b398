"""A worker's result, found in its place before the end is decided: promise "Finished means that it opens now"."""

from urllib.parse import urlsplit

import msgspec

from schemas.events import StoredResult
from schemas.ids import is_uuid
from schemas.problems import Fault, Problem, Rejection
from schemas.requests import UploadedResult
from services.front.asked import Asked
from services.front.uploads import find_upload, lock_of, own_name
from services.private.late import seal_clear

FORMS = 'must be one of {"upload", "name"?}, {"href", "sha256", "size"} or {"inline"}'


async def stored_result(asked: Asked, result: UploadedResult, at: str) -> StoredResult | Rejection:
    """The result as it stands in its place; `at` is where the body names it."""
    given = [result.upload is not None, result.href is not None, result.inline is not None]
    elsewhere = result.href is not None
    if sum(given) != 1 or (not elsewhere and (result.sha256 is not None or result.size is not None)):
        return _refused(Problem.INVALID, at, FORMS)
    if result.upload is not None:
        return await _upload(asked, result.upload, result.name, at)
    if result.href is not None:
        return _link(result, at)
    limit = asked.parts.settings.request_max_bytes
    if len(msgspec.json.encode(result.inline)) > limit:
        fault = Fault(f"{at}/inline", f"must not be larger than {limit} bytes; upload it instead")
        return Rejection(Problem.TOO_LARGE, {"name": "inline", "limit": limit, "unit": "bytes"}, (fault,))
    return StoredResult(inline=result.inline, name=result.name)


async def _upload(asked: Asked, upload: str, name: str | None, at: str) -> StoredResult | Rejection:
    """The file is read again and hashed: a row alone does not prove that it is there and whole."""
    row = None
    if is_uuid(upload):
        async with asked.parts.pool.acquire() as conn:
            row = await find_upload(conn, asked.partition, asked.tenant, upload)
    if row and not row["sealed"]:
        await seal_clear(asked, [upload])
        async with asked.parts.pool.acquire() as conn:
            row = await find_upload(conn, asked.partition, asked.tenant, upload)
    if row is None:
        return _refused(Problem.RESULT_MISSING, f"{at}/upload", "names no upload of yours")
    lock = await lock_of(asked, upload, row)
    found = await asked.parts.files.check(asked.tenant, upload, lock)
    if found is None or (found.size, found.sha256) != (row["size"], row["sha256"]):
        return _refused(Problem.RESULT_MISSING, f"{at}/upload", "is no longer what was uploaded")
    return StoredResult(upload=upload, name=name or own_name(row, lock), size=found.size, sha256=found.sha256)


def _link(result: UploadedResult, at: str) -> StoredResult | Rejection:
    """A link to another store: its size and digest are the worker's word, kept for whoever opens it."""
    missing = [name for name in ("sha256", "size") if getattr(result, name) is None]
    if missing:
        return _refused(Problem.INVALID, f"{at}/{missing[0]}", "is missing: a link needs its sha256 and size")
    if not _is_web_link(result.href or ""):
        return _refused(Problem.INVALID, f"{at}/href", "must be an http or https link")
    return StoredResult(href=result.href, name=result.name, size=result.size, sha256=result.sha256)


def _is_web_link(href: str) -> bool:
    try:
        parts = urlsplit(href)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and href.isascii() and href.isprintable()
    except ValueError:
        return False


def _refused(problem: Problem, pointer: str, detail: str) -> Rejection:
    return Rejection(problem, {"count": 1}, (Fault(pointer, detail),))
