"""Looking for what must not be there: every column of every table, every file, every message of every stream."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from eventstore.postgres import Pool
from schemas import subjects

EVERY_STREAM = (
    subjects.events_stream(0),
    subjects.STATUS_STREAM,
    subjects.COMMANDS_STREAM,
    subjects.REJECTIONS_STREAM,
    subjects.CHECKPOINTS_STREAM,
)

_TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


def forms(words: Iterable[str]) -> list[bytes]:
    """Each word as text, and as Postgres writes it in a column of bytes."""
    return [form for word in words for form in (word.encode(), word.encode().hex().encode())]


async def dump(pool: Pool) -> dict[str, bytes]:
    """Every row of every table as text."""
    tables = [row["tablename"] for row in await pool.fetch(_TABLES)]
    assert {"events", "jobs", "items", "uploads", "idempotency", "person_keys"} <= set(tables)
    return {
        table: "\n".join(row[0] for row in await pool.fetch(f'select t::text from "{table}" t')).encode()
        for table in tables
    }


async def found_in_tables(pool: Pool, words: Sequence[str]) -> list[tuple[str, bytes]]:
    """(table, form) of each word that stands in the database."""
    return [(table, form) for table, text in (await dump(pool)).items() for form in forms(words) if form in text]


def found_in_files(folder: Path, words: Sequence[str]) -> list[tuple[str, bytes]]:
    """(path, form) of each word that any file below the folder holds, whosever it is."""
    found: list[tuple[str, bytes]] = []
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone since: the servers are at work
            content = path.read_bytes() if path.is_file() else b""
            found += [(str(path), form) for form in forms(words) if form in content]
    return found


async def found_in_streams(client: Client, words: Sequence[str]) -> list[tuple[str, bytes]]:
    """(subject, form) of each word in any message that any stream keeps."""
    found: list[tuple[str, bytes]] = []
    async for message in kept(client):
        body = (message.data or b"") + repr(message.headers).encode()
        found += [(str(message.subject), form) for form in forms(words) if form in body]
    return found


async def kept(client: Client) -> AsyncIterator[RawStreamMsg]:
    """Every message of every stream of Tidings that has not gone."""
    js = client.jetstream()
    streams = await js.streams_info()
    assert {*EVERY_STREAM} <= {stream.config.name for stream in streams}
    for stream in streams:
        for sequence in range(max(1, stream.state.first_seq), stream.state.last_seq + 1):
            with contextlib.suppress(NotFoundError):  # obeyed, or another has taken its place
                yield await js.get_msg(str(stream.config.name), sequence)
