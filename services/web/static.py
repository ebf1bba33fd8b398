"""Serves this folder below `/web/`, read and compressed once at the start; and the texts that are the browser's own."""

import gzip
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from pathlib import Path

import msgspec
from fastapi import FastAPI
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schemas.messages import LANGUAGES
from services.web.texts import page_texts, texts

FOLDER = Path(__file__).parent
SMALL_BYTES = 512  # not worth compressing
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
PAGE_HEADERS = {"Content-Security-Policy": CONTENT_POLICY, "Referrer-Policy": "no-referrer"}


class Stored(Struct, frozen=True):
    """One file, ready to be sent."""

    media_type: str
    raw: bytes
    zipped: bytes
    etag: str


def load() -> dict[str, Stored]:
    """Every file that a browser may ask for, by its path below `/web/`."""
    files = (file for file in sorted(FOLDER.rglob("*")) if file.suffix in MEDIA_TYPES)
    found = {
        file.relative_to(FOLDER).as_posix(): stored(file.suffix, file.read_bytes())
        for file in files
        if "node_modules" not in file.parts
    }
    for language in LANGUAGES:
        found[f"messages.{language}.json"] = stored(".json", msgspec.json.encode(texts(language)))
        found[f"pages.{language}.json"] = stored(".json", msgspec.json.encode(page_texts(language)))
    return found


def stored(suffix: str, raw: bytes) -> Stored:
    zipped = gzip.compress(raw, 9, mtime=0) if len(raw) > SMALL_BYTES else b""
    return Stored(MEDIA_TYPES[suffix], raw, zipped, blake2b(raw, digest_size=12).hexdigest())


def send(request: Request, file: Stored) -> Response:
    """The file in the form that the browser takes, or nothing where it has it already."""
    wants_zip = "gzip" in request.headers.get("accept-encoding", "") and bool(file.zipped)
    etag = f'"{file.etag}{"-gz" if wants_zip else ""}"'
    headers = {**HEADERS, "ETag": etag}
    if file.media_type.startswith("text/html"):
        headers |= PAGE_HEADERS
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if wants_zip:
        return Response(file.zipped, 200, {**headers, "Content-Encoding": "gzip"}, file.media_type)
    return Response(file.raw, 200, headers, file.media_type)


def page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """A route's answer: this file."""
    file = load()[name]

    async def show(request: Request) -> Response:
        return send(request, file)

    return show


def add_web(app: FastAPI) -> None:
    """The folder at `/web/`, and the console at `/`."""
    files = load()

    async def file(request: Request, path: str) -> Response:
        found = files.get(path)
        if found is None:
            raise HTTPException(404)
        return send(request, found)

    app.add_api_route("/web/{path:path}", file, methods=["GET"], include_in_schema=False, response_class=Response)
    app.add_api_route(
        "/", page("console/index.html"), methods=["GET"], include_in_schema=False, response_class=Response
    )
