"""Files that were uploaded in the clear, before any job type of their tenant had private ones: encrypted when a job
names them.

Every step may be done twice, by two callers at once as well: a file's key is made once, and encrypts to the same bytes.
"""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from eventstore.private import files as file_keys
from eventstore.private.stream import Lock
from schemas.jobtypes import Definition
from schemas.private import marked
from services.front.asked import Asked

# By primary keys.
_CLEAR = (
    "select id::text, size, name from uploads where partition = $1 and tenant = $2 and id = any ($3) and not sealed"
)
_KIND = "select definition from types where partition = $1 and tenant = $2 and name = $3"
_SEALED = "update uploads set sealed = true, name = $3 where partition = $1 and id = $2 and not sealed"


async def seal_clear(asked: Asked, kind: str, uploads: Iterable[str]) -> None:
    """Encrypt those of the uploads that are not, where this type's are private. Nothing to do costs one query."""
    wanted, parts = [UUID(each) for each in uploads], asked.parts
    if not wanted:
        return
    async with parts.pool.acquire() as conn:
        raw: bytes | None = await conn.fetchval(_KIND, asked.partition, asked.tenant, kind)
        if raw is None or not marked(msgspec.json.decode(raw, type=Definition).private).uploads:
            return
        by, keys = await parts.vault.masters(conn), {}
        rows = await conn.fetch(_CLEAR, asked.partition, asked.tenant, wanted)
        for row in rows:
            await file_keys.new_key(conn, asked.partition, asked.tenant, row["id"], by)
        keys = await file_keys.find(conn, asked.partition, asked.tenant, [row["id"] for row in rows], by)
    for row in rows:
        upload, key = row["id"], keys[row["id"]]
        lock = Lock(key, file_keys.bound(asked.tenant, upload), row["size"])
        clear = await parts.files.open(asked.tenant, upload)
        if clear is not None:
            await parts.files.put(asked.tenant, upload, clear.chunks, key)
        async with parts.pool.acquire() as conn:
            await conn.execute(_SEALED, asked.partition, UUID(upload), lock.seal_name(row["name"]))
        await parts.files.remove_clear(asked.tenant, upload)
