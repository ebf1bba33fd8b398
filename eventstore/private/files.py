"""The keys of files: each wrapped for the persons whose jobs name the file, so it ends with the last of them.

A new upload is nobody's yet: its key is wrapped for the tenant until a job names it. A job whose type does not call its
files private needs the file all the same: its owner has a row too (`plain`), wrapped for the tenant, which no erasure
takes.
"""

import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from importlib.resources import files
from uuid import UUID

from msgspec import Struct

from eventstore.postgres import Connection
from eventstore.private import keys
from eventstore.private.cipher import KEY_BYTES, NONCE_BYTES, PersonKey, Unreadable, bound_to, derived, unwrap, wrap
from eventstore.private.keys import TENANT_ITSELF, Masters

# By the primary key.
_FIND = """select upload::text, person, plain, wrapped from file_keys
    where partition = $1 and tenant = $2 and upload = any ($3)"""
# Locked: what is forgotten at the same time is not named.
_HELD = """select upload::text, person, plain, wrapped from file_keys
    where partition = $1 and upload = any ($2) for update"""
_SHARE = """with let_go as (delete from file_keys where partition = $1 and upload = any ($3) and person = '')
    insert into file_keys (partition, tenant, upload, person, wrapped, plain)
    select $1, tenant, upload, person, wrapped, true
    from unnest($2::text[], $3::uuid[], $4::text[], $5::bytea[]) as u (tenant, upload, person, wrapped)
    on conflict do nothing"""
_NEW = """insert into file_keys (partition, tenant, upload, person, wrapped, plain, owner, made_at)
    values ($1, $2, $3, '', $4, true, $5, case when $6 then null else clock_timestamp() end) on conflict do nothing"""
_OWN = """insert into file_keys (partition, tenant, upload, person, wrapped, plain) values ($1, $2, $3, $4, $5, $6)
    on conflict (partition, upload, person) do update set wrapped = excluded.wrapped, plain = false
    where file_keys.plain and not excluded.plain"""
_LET_GO = "delete from file_keys where partition = $1 and upload = any ($2) and person = ''"
# By file_keys_person: what is encrypted for this person, and what is nobody's yet and may be theirs.
_ENDING = """with mine as (
        select upload, person from file_keys where partition = $1 and tenant = $2 and person in ($3, '')
            and case when person = '' then made_at is not null and coalesce(owner, $3) = $3 else not plain end
        for update
    )
    select distinct m.upload::text from mine m where not exists (
        select from file_keys o where o.partition = $1 and o.upload = m.upload and o.person <> m.person)
    order by 1"""
_TAKE = "delete from file_keys where partition = $1 and tenant = $2 and person = $3 and not plain"
_FORGET = files("eventstore.private").joinpath("forget.sql").read_text()
# By file_keys_unnamed; what is being named or recorded just now is left to the next look.
_OLD = """select tenant, upload::text from file_keys
    where partition = $1 and person = '' and made_at < clock_timestamp() - make_interval(secs => $2)
    order by made_at limit $3 for update skip locked"""
_STILL = "select from file_keys where partition = $1 and upload = $2 and person = '' for key share"
_NEW_STILL = """select from file_keys
    where partition = $1 and tenant = $2 and upload = $3 and person = '' and made_at is not null for update"""


class Use(Struct, frozen=True):
    """A job of this person names the file. `private`: its type calls such files private."""

    tenant: str
    person: str
    upload: str
    private: bool


def bound(tenant: str, upload: str) -> bytes:
    """Where a file's segments and its key belong to."""
    return bound_to("file", tenant, upload)


async def new_key(
    conn: Connection,
    partition: int,
    tenant: str,
    upload: str,
    by: Masters,
    *,
    owner: str | None = None,
    ageless: bool = False,
) -> bytes:
    """A key for a file that no job names yet. Of two made at once `find` tells which counts.

    `owner`: whose it will be. `ageless`: nobody knows who else needs it, so it never grows too old."""
    raw = os.urandom(KEY_BYTES)
    found = await keys.find_or_make(conn, partition, [(tenant, TENANT_ITSELF)], by)
    wrapped = _wrapped(found[tenant, TENANT_ITSELF].key, raw, tenant, upload)
    await conn.execute(_NEW, partition, tenant, UUID(upload), wrapped, owner, ageless)
    return raw


async def find(
    conn: Connection, partition: int, tenant: str, uploads: Collection[str], by: Masters
) -> dict[str, bytes]:
    """The keys of these files, as far as they can still be read."""
    rows = await conn.fetch(_FIND, partition, tenant, [UUID(each) for each in uploads])
    holders = {(tenant, TENANT_ITSELF if row["plain"] else row["person"]) for row in rows}
    known = await keys.find(conn, partition, holders, by)
    found: dict[str, bytes] = {}
    for row in rows:
        holder = known.get((tenant, TENANT_ITSELF if row["plain"] else row["person"]))
        try:
            if holder:
                found[row["upload"]] = unwrap(_wrapping(holder.key), row["wrapped"], bound(tenant, row["upload"]))
        except Unreadable:
            continue  # of a key that was destroyed; this person has come back since
    return found


async def name(
    conn: Connection, partition: int, uses: Collection[Use], masters: Callable[[], Awaitable[Masters]]
) -> set[str]:
    """These files are these persons' from here on, beside others whose they are already. Answers those that are gone.

    Runs in the append's transaction. Two statements where none is private and none was."""
    held: dict[str, bytes | None] = {}  # the key as the tenant can read it, where it is wrapped so
    for row in await conn.fetch(_HELD, partition, [UUID(use.upload) for use in uses]):
        held[row["upload"]] = row["wrapped"] if row["plain"] else held.get(row["upload"])
    shared = [use for use in uses if not use.private and held.get(use.upload)]
    if shared:
        names = [use.tenant for use in shared], [UUID(use.upload) for use in shared], [use.person for use in shared]
        await conn.execute(_SHARE, partition, *names, [held[use.upload] for use in shared])
    left = [use for use in uses if use.upload in held and (use.private or not held[use.upload])]
    gone = {use.upload for use in uses} - held.keys()
    if left:
        by = await masters()
        for tenant in {use.tenant for use in left}:
            gone |= await _own(conn, partition, tenant, [use for use in left if use.tenant == tenant], by)
    return gone


async def _own(conn: Connection, partition: int, tenant: str, uses: Sequence[Use], by: Masters) -> set[str]:
    """Wrap the files' keys anew. Answers those that can't be read any more."""
    wanted = {use.upload for use in uses}
    raws = await find(conn, partition, tenant, wanted, by)
    holders = {(tenant, use.person if use.private else TENANT_ITSELF) for use in uses}
    people = await keys.find(conn, partition, holders, by)
    rows = []
    for use in uses:
        holder = people.get((tenant, use.person if use.private else TENANT_ITSELF))
        if use.upload in raws and holder:
            wrapped = _wrapped(holder.key, raws[use.upload], tenant, use.upload)
            rows.append((partition, tenant, UUID(use.upload), use.person, wrapped, not use.private))
    await conn.executemany(_OWN, rows)
    await conn.execute(_LET_GO, partition, [UUID(each) for each in wanted])
    return wanted - raws.keys()


async def still_new(conn: Connection, partition: int, upload: str) -> bool:
    """False where an erasure took the file while it was on its way. Holds until the transaction's end."""
    return await conn.fetchrow(_STILL, partition, UUID(upload)) is not None


async def is_new(conn: Connection, partition: int, tenant: str, upload: str) -> bool:
    """No job names it. Locked until the transaction's end."""
    return await conn.fetchrow(_NEW_STILL, partition, tenant, UUID(upload)) is not None


async def drop_new(conn: Connection, partition: int, upload: str) -> None:
    """The key of a file that did not come to be."""
    await conn.execute(_LET_GO, partition, [UUID(upload)])


async def ending(conn: Connection, partition: int, tenant: str, person: str) -> Sequence[str]:
    """Files that end with this person: nobody else's job needs them. Locked until the transaction's end."""
    return [row["upload"] for row in await conn.fetch(_ENDING, partition, tenant, person)]


async def destroy(conn: Connection, partition: int, tenant: str, person: str, uploads: Collection[str]) -> None:
    """A person's key, and the files that end with them."""
    await keys.destroy(conn, partition, tenant, person)
    await conn.execute(_TAKE, partition, tenant, person)
    await forget(conn, partition, tenant, uploads)


async def forget(conn: Connection, partition: int, tenant: str, uploads: Collection[str]) -> None:
    """All that tells of these files; their objects are to be removed."""
    await conn.execute(_FORGET, partition, tenant, [UUID(each) for each in uploads])


async def forget_unnamed(conn: Connection, partition: int, older_s: float, limit: int) -> int:
    """Files that no job has named for so long. Answers how many it were."""
    async with conn.transaction():
        rows = await conn.fetch(_OLD, partition, older_s, limit)
        for tenant in {row["tenant"] for row in rows}:
            await forget(conn, partition, tenant, [row["upload"] for row in rows if row["tenant"] == tenant])
    return len(rows)


def _wrapped(holder: PersonKey, raw: bytes, tenant: str, upload: str) -> bytes:
    return wrap(_wrapping(holder), raw, os.urandom(NONCE_BYTES), bound(tenant, upload))


def _wrapping(holder: PersonKey) -> bytes:
    return derived(holder.raw, b"tidings file keys")
