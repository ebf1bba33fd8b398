"""Files that an older version left in the clear: encrypted as soon as a job names them, whatever its type.

Any number of callers may do it at once, and a crash at any point is made good by the next call or the sweep: the plain
object's removal is put on record together with the encrypted one's taking its place.
"""

from collections.abc import Iterable
from uuid import UUID

from eventstore.postgres import Connection
from eventstore.private import files as file_keys
from eventstore.private.removals import remember
from eventstore.private.stream import Lock
from services.front.asked import Asked
from services.private.sweep import sweep

# One at a time: the second one finds it done. Its own lock, for the row's would hold up whoever names the file.
_ALONE = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_CLEAR = "select size, name from uploads where partition = $1 and tenant = $2 and id = $3 and not sealed"
_SEALED = "update uploads set sealed = true, name = $3 where partition = $1 and id = $2 and not sealed"


async def seal_clear(asked: Asked, uploads: Iterable[str]) -> None:
    """Encrypt each of these uploads that is not."""
    clear = list(uploads)
    for each in clear:
        await _seal(asked, each)
    if clear:
        await sweep(asked.parts.pool, asked.parts.files)


async def _seal(asked: Asked, upload: str) -> None:
    parts, place = asked.parts, (asked.partition, asked.tenant)
    async with parts.pool.acquire() as conn:
        # Committed first, so that no append waits for a long file. Who else needs it is not known: it never is too old.
        await parts.vault.new_key(conn, *place, upload, None, ageless=True)
        keys = await file_keys.find(conn, *place, [upload], await parts.vault.masters(conn))
        async with conn.transaction():
            await conn.execute(_ALONE, f"tidings seal {upload}")
            await _sealed(asked, conn, upload, keys.get(upload))


async def _sealed(asked: Asked, conn: Connection, upload: str, key: bytes | None) -> None:
    parts = asked.parts
    row = await conn.fetchrow(_CLEAR, asked.partition, asked.tenant, UUID(upload))
    clear = await parts.files.open(asked.tenant, upload) if row and key else None
    if row is None or key is None or clear is None:
        return
    await parts.files.put(asked.tenant, upload, clear.chunks, key, again=True)
    name = Lock(key, file_keys.bound(asked.tenant, upload), row["size"]).seal_name(row["name"])
    found = await conn.execute(_SEALED, asked.partition, UUID(upload), name)
    # Where an erasure took the row meanwhile, nothing of the file may stay.
    await remember(conn, asked.partition, asked.tenant, upload, clear_only=found != "UPDATE 0")
