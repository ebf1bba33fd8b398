"""Whose checkpoints these are: the log's own name, the keys that sign now, and all that have signed before.

A key comes from the setting, else it is made once and kept beside the log. Kept there, it shows a change to everybody
but someone who owns the database; a key by setting, or checkpoints that are kept elsewhere, show it to those too.
"""

from collections.abc import Sequence

from msgspec import Struct

from eventstore.audit.notes import PublicKey, Signer
from eventstore.postgres import Connection
from eventstore.secrets import secret

LOG_NAME, LOG_KEY = "log-name", "checkpoint-key"

_FIND = "select value from secrets where name = $1"
_SIGNED = "select key from signing_keys order by since, key"
_REMEMBER = "insert into signing_keys (key) select unnest($1::text[]) on conflict do nothing"


class Signers(Struct, frozen=True):
    """The keys that sign every new checkpoint, the present one first."""

    name: str
    keys: tuple[Signer, ...]

    def origin(self, partition: int) -> str:
        return origin(self.name, partition)


def origin(name: str, partition: int) -> str:
    """Each partition is a log of its own."""
    return f"{name}/{partition}"


async def signers(conn: Connection, given: Sequence[bytes] | None) -> Signers:
    """What this service signs with: the keys that it was given, else the log's own, made on first use."""
    name = _name(await secret(conn, LOG_NAME))
    raw = given or [await secret(conn, LOG_KEY)]
    return Signers(name, tuple(Signer(name, seed) for seed in raw))


async def remember(conn: Connection, found: Signers) -> None:
    """Put on record who signs, before anything is signed."""
    await conn.execute(_REMEMBER, [str(each.public) for each in found.keys])


async def log_name(conn: Connection) -> str | None:
    """Appends nothing: None where no checkpoint was ever made."""
    value: bytes | None = await conn.fetchval(_FIND, LOG_NAME)
    return _name(value) if value else None


async def remembered(conn: Connection) -> list[PublicKey]:
    """Raises BadKey where a row was spoiled."""
    return [PublicKey.read(row["key"]) for row in await conn.fetch(_SIGNED)]


def _name(value: bytes) -> str:
    return f"tidings.dev/log/{value[:8].hex()}"
