"""The service's own secrets (of lease tokens, of signed links): made once, kept in the database, shared by all."""

import os

from eventstore.postgres import Connection

_MAKE = "insert into secrets (name, value) values ($1, $2) on conflict (name) do nothing"
_READ = "select value from secrets where name = $1"


async def secret(conn: Connection, name: str) -> bytes:
    """32 random bytes, the same for everybody who asks: of two first askers, one makes it and both read it."""
    found: bytes | None = await conn.fetchval(_READ, name)
    if found is None:
        await conn.execute(_MAKE, name, os.urandom(32))
        found = await conn.fetchval(_READ, name)
    assert found is not None  # noqa: S101 - secrets are never deleted
    return found
