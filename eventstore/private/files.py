"""The keys of encrypted files: each wrapped for the persons whose jobs name the file, so it ends with the last of them.

A new upload belongs to nobody yet: its key is wrapped for the tenant until a job names it.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from eventstore.postgres import Connection
from eventstore.private import keys
from eventstore.private.cipher import KEY_BYTES, NONCE_BYTES, PersonKey, Unreadable, bound_to, derived, unwrap, wrap
from eventstore.private.keys import TENANT_ITSELF, Found, Masters, Person

# By the primary key and by file_keys_person.
_FIND = "select upload::text, person, wrapped from file_keys where partition = $1 and tenant = $2 and upload = any ($3)"
_KEEP = """insert into file_keys (partition, tenant, upload, person, wrapped) values ($1, $2, $3, $4, $5)
    on conflict do nothing"""
_LET_GO = "delete from file_keys where partition = $1 and upload = any ($2) and person = ''"
_OWN_ALONE = """select f.upload::text from file_keys f
    where f.partition = $1 and f.tenant = $2 and f.person = $3
      and not exists (select from file_keys o where o.partition = $1 and o.upload = f.upload and o.person <> $3)
    order by 1"""
_FORGET_FILES = """with gone as (
        delete from file_keys f where f.partition = $1 and f.tenant = $2 and f.person = $3 returning f.upload
    ), alone as (
        select upload from gone g where not exists (
            select from file_keys o where o.partition = $1 and o.upload = g.upload and o.person <> $3)
    ), answers as (
        delete from idempotency where partition = $1 and tenant = $2 and call = 'POST /v1/uploads'
            and convert_from(answer, 'UTF8')::jsonb ->> 'id' in (select upload::text from alone)
    )
    delete from uploads where partition = $1 and id in (select upload from alone)"""


def bound(tenant: str, upload: str) -> bytes:
    """Where a file's segments and its key belong to."""
    return bound_to("file", tenant, upload)


async def new_key(conn: Connection, partition: int, tenant: str, upload: str, by: Masters) -> bytes:
    """A key for a file that has none yet, kept for its tenant. Of two made at once `find` tells which counts."""
    raw = os.urandom(KEY_BYTES)
    found = await keys.find_or_make(conn, partition, [(tenant, TENANT_ITSELF)], by)
    await _keep(conn, partition, tenant, upload, found[tenant, TENANT_ITSELF].key, TENANT_ITSELF, raw)
    return raw


async def find(
    conn: Connection, partition: int, tenant: str, uploads: Collection[str], by: Masters
) -> dict[str, bytes]:
    """The keys of these files, as far as they can still be read."""
    rows = await conn.fetch(_FIND, partition, tenant, [UUID(each) for each in uploads])
    known = await keys.find(conn, partition, {(tenant, row["person"]) for row in rows}, by)
    found: dict[str, bytes] = {}
    for row in rows:
        holder = known.get((tenant, row["person"]))
        try:
            if holder:
                found[row["upload"]] = unwrap(_wrapping(holder.key), row["wrapped"], bound(tenant, row["upload"]))
        except Unreadable:
            continue  # of a key that was destroyed; this person has come back since
    return found


async def give(
    conn: Connection,
    partition: int,
    person: Person,
    uploads: Collection[str],
    people: Mapping[Person, Found],
    by: Masters,
) -> None:
    """These files are a person's from here on, beside others whose they are already."""
    tenant, name = person
    for upload, raw in (await find(conn, partition, tenant, uploads, by)).items():
        await _keep(conn, partition, tenant, upload, people[person].key, name, raw)
    await conn.execute(_LET_GO, partition, [UUID(each) for each in uploads])


async def only_of(conn: Connection, partition: int, tenant: str, person: str) -> Sequence[str]:
    """Files that nobody else can read."""
    return [row["upload"] for row in await conn.fetch(_OWN_ALONE, partition, tenant, person)]


async def destroy(conn: Connection, partition: int, tenant: str, person: str) -> None:
    """A person's key, and what tells of files that nobody else can read."""
    await keys.destroy(conn, partition, tenant, person)
    await conn.execute(_FORGET_FILES, partition, tenant, person)


async def _keep(
    conn: Connection, partition: int, tenant: str, upload: str, holder: PersonKey, person: str, raw: bytes
) -> None:
    wrapped = wrap(_wrapping(holder), raw, os.urandom(NONCE_BYTES), bound(tenant, upload))
    await conn.execute(_KEEP, partition, tenant, UUID(upload), person, wrapped)


def _wrapping(holder: PersonKey) -> bytes:
    return derived(holder.raw, b"tidings file keys")
