"""Objects that are still to be removed from the store: on record until they are gone, whatever dies in between."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from eventstore.postgres import Connection

_REMEMBER = """insert into file_removals (partition, tenant, upload, clear_only) values ($1, $2, $3, $4)
    on conflict (partition, upload) do update set clear_only = file_removals.clear_only and excluded.clear_only"""
_NEXT = "select partition, tenant, upload::text, clear_only from file_removals order by partition, upload limit $1"
_DONE = "delete from file_removals where partition = $1 and upload = $2 and clear_only = $3"


class Removal(Struct, frozen=True):
    """`clear_only`: its encrypted object stays."""

    partition: int
    tenant: str
    upload: str
    clear_only: bool


async def remember(conn: Connection, partition: int, tenant: str, upload: str, *, clear_only: bool) -> None:
    await conn.execute(_REMEMBER, partition, tenant, UUID(upload), clear_only)


async def waiting(conn: Connection, limit: int) -> Sequence[Removal]:
    return [Removal(**dict(row)) for row in await conn.fetch(_NEXT, limit)]


async def done(conn: Connection, removal: Removal) -> None:
    await conn.execute(_DONE, removal.partition, UUID(removal.upload), removal.clear_only)
