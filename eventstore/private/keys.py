"""Persons' keys in the database, wrapped by a master key: made, found, wrapped anew, destroyed.

Nothing is cached, so a destroyed key is gone for every process at once. An append reads and destroys them under the
head's lock: what it encrypts can be read until the erasure, and nothing is encrypted under a key that is gone.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from eventstore.postgres import Connection
from eventstore.private.cipher import ID_BYTES, KEY_BYTES, NONCE_BYTES, PersonKey, bound_to, unwrap, wrap
from eventstore.secrets import secret

TENANT_ITSELF = ""  # the person of a tenant's own key
OWN = "private-keys"  # the secret that wraps where no master key is given

_OWN = "select value from secrets where name = $1"
_FORGET_OWN = "delete from secrets where name = $1 and not exists (select from person_keys where master = $2)"
# By the primary key.
_FIND = """select k.* from unnest($2::text[], $3::text[]) w (tenant, person) cross join lateral (
        select tenant, person, id, wrapped, master, made_at from person_keys k
        where k.partition = $1 and k.tenant = w.tenant and k.person = w.person offset 0
    ) k"""
_MAKE = """insert into person_keys (partition, tenant, person, id, wrapped, master, made_at)
    values ($1, $2, $3, $4, $5, $6, coalesce($7, clock_timestamp())) on conflict do nothing"""
_DESTROY = "delete from person_keys where partition = $1 and tenant = $2 and person = $3"
_EXISTS = "select exists (select from person_keys where partition = $1 and tenant = $2 and person = $3)"
_MASTERS = "select distinct master from person_keys"
_OLD = """select partition, tenant, person, id, wrapped, master from person_keys where master <> $1
    order by partition, tenant, person limit 1000 for update skip locked"""
_WRAP_ANEW = (
    "update person_keys set wrapped = $5, master = $6 where partition = $1 and tenant = $2 and person = $3 and id = $4"
)

Person = tuple[str, str]  # tenant, owner


class BadMasterKey(Exception):
    """The setting can't be used, or lacks the key that persons' keys are wrapped by."""


class Found(Struct, frozen=True):
    """A person's key. What was encrypted for this person before `made_at` was under another, destroyed one."""

    key: PersonKey
    made_at: datetime


class Masters:
    """The master keys: the first wraps, all unwrap."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._first = keys[0]
        self._known = {fingerprint(key): key for key in keys}

    @property
    def current(self) -> bytes:
        return fingerprint(self._first)

    @property
    def known(self) -> Collection[bytes]:
        return self._known.keys()

    def wrap(self, secret: bytes, bound: bytes) -> bytes:
        return wrap(self._first, secret, os.urandom(NONCE_BYTES), bound)

    def unwrap(self, wrapped: bytes, master: bytes, bound: bytes) -> bytes:
        """Raises BadMasterKey, Unreadable."""
        key = self._known.get(master)
        if key is None:
            raise BadMasterKey(
                f"Persons' keys are wrapped by master key {master.hex()}, which is not given: "
                "put it behind a comma into TIDINGS_PRIVATE_KEY."
            )
        return unwrap(key, wrapped, bound)


def fingerprint(master: bytes) -> bytes:
    """Names a master key and tells nothing of it."""
    return hmac.digest(master, b"tidings master key", "sha256")[:ID_BYTES]


def master_keys(setting: str) -> list[bytes]:
    """Keys of the setting: 32 bytes each in base64, the one that wraps first. Raises BadMasterKey."""
    try:
        found = [base64.b64decode(part.strip(), validate=True) for part in setting.split(",")]
    except binascii.Error as error:
        raise BadMasterKey("TIDINGS_PRIVATE_KEY must be base64 of 32 bytes, old keys after commas.") from error
    if any(len(key) != KEY_BYTES for key in found):
        raise BadMasterKey("Each key of TIDINGS_PRIVATE_KEY must have 32 bytes.")
    return found


async def masters(conn: Connection, setting: str | None) -> Masters:
    """The given keys, else the log's own, made on first use; one from before a key was given still unwraps."""
    if not setting:
        return Masters([await secret(conn, OWN)])
    own: bytes | None = await conn.fetchval(_OWN, OWN)
    return Masters([*master_keys(setting), *([own] if own else [])])


async def find(conn: Connection, partition: int, people: Collection[Person], by: Masters) -> dict[Person, Found]:
    """The keys that exist. Raises BadMasterKey."""
    if not people:
        return {}
    tenants, persons = [tenant for tenant, _ in people], [person for _, person in people]
    found = {}
    for row in await conn.fetch(_FIND, partition, tenants, persons):
        place = row["tenant"], row["person"]
        raw = by.unwrap(row["wrapped"], row["master"], _bound(*place, row["id"]))
        found[place] = Found(PersonKey(row["id"], raw), row["made_at"])
    return found


async def find_or_make(
    conn: Connection, partition: int, people: Collection[Person], by: Masters, at: datetime | None = None
) -> dict[Person, Found]:
    """The same, with what was missing. `at`: the moment of the append that makes it."""
    found = await find(conn, partition, people, by)
    missing = [person for person in people if person not in found]
    for tenant, person in missing:
        key_id = os.urandom(ID_BYTES)
        wrapped = by.wrap(os.urandom(KEY_BYTES), _bound(tenant, person, key_id))
        await conn.execute(_MAKE, partition, tenant, person, key_id, wrapped, by.current, at)
    return found | await find(conn, partition, missing, by)


async def exists(conn: Connection, partition: int, tenant: str, person: str) -> bool:
    return bool(await conn.fetchval(_EXISTS, partition, tenant, person))


async def destroy(conn: Connection, partition: int, tenant: str, person: str) -> bool:
    """False where there was none."""
    return await conn.execute(_DESTROY, partition, tenant, person) != "DELETE 0"


async def check(conn: Connection, by: Masters) -> None:
    """Every person's key can be unwrapped. Raises BadMasterKey."""
    for row in await conn.fetch(_MASTERS):
        if row["master"] not in by.known:
            raise BadMasterKey(
                f"Persons' keys are wrapped by master key {row['master'].hex()}, which is not given: "
                "put it behind a comma into TIDINGS_PRIVATE_KEY."
            )


async def rewrap(conn: Connection, by: Masters) -> int:
    """Wrap every key by the first master key; the others may be dropped after it. Answers how many it were."""
    count = 0
    while True:
        async with conn.transaction():
            rows = await conn.fetch(_OLD, by.current)
            for row in rows:
                bound = _bound(row["tenant"], row["person"], row["id"])
                wrapped = by.wrap(by.unwrap(row["wrapped"], row["master"], bound), bound)
                place = row["partition"], row["tenant"], row["person"], row["id"]
                await conn.execute(_WRAP_ANEW, *place, wrapped, by.current)
        if not rows:
            break
        count += len(rows)
    own: bytes | None = await conn.fetchval(_OWN, OWN)
    if own is not None and fingerprint(own) != by.current:
        await conn.execute(_FORGET_OWN, OWN, fingerprint(own))
    return count


def _bound(tenant: str, person: str, key_id: bytes) -> bytes:
    return bound_to("person key", tenant, key_id.hex(), person)
