"""Looking for what must not be there: every column of every table, every file, every message of every stream."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from nats.aio.client import Client

from eventstore.postgres import Pool

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
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(str(path), form) for path in files for form in forms(words) if form in path.read_bytes()]


async def found_in_streams(client: Client, words: Sequence[str]) -> list[tuple[str, bytes]]:
    """(subject, form) of each word in any message that a stream keeps."""
    js, found = client.jetstream(), []
    for stream in await js.streams_info():
        name = stream.config.name
        assert name
        for sequence in range(stream.state.first_seq, stream.state.last_seq + 1):
            message = await js.get_msg(name, sequence)
            body = (message.data or b"") + repr(message.headers).encode()
            found += [(str(message.subject), form) for form in forms(words) if form in body]
    return found
