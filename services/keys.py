"""API keys: shown once when made, kept as a digest. The database's clock judges their expiry."""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import Struct

from eventstore.postgres import Connection
from schemas.ids import TENANT_PATTERN

SERVE = "serve"  # works for every tenant: claims from all, and names the one it acts for in `Tidings-Tenant`
SCOPES = ("read", "submit", "work", "types", "audit", "admin", SERVE)
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope not in {"admin", SERVE})

REMEMBERED_S = 1.0  # how long a process may go by what it last read of a key

_INSERT = "insert into api_keys (id, tenant, digest, scopes, expires_at) values ($1, $2, $3, $4, $5)"
_LIST = """select id, tenant, scopes, created_at, expires_at, revoked_at from api_keys
    where tenant = $1 order by created_at"""
_REVOKE = "update api_keys set revoked_at = clock_timestamp() where id = $1 and tenant = $2 and revoked_at is null"
_FIND = """select id, tenant, scopes from api_keys
    where digest = $1 and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())"""
_NOW = "select clock_timestamp()"


class BadKeyRequest(Exception):
    """A tenant or a scope that can't be; says what it may be."""


class Principal(Struct, frozen=True):
    """Who calls: a key of one tenant, and what it may do."""

    key_id: UUID
    tenant: str
    scopes: frozenset[str]


class NewKey(Struct, frozen=True):
    """A key as its owner gets it, the only time that `key` can be read."""

    id: UUID
    key: str
    tenant: str
    scopes: list[str]
    expires_at: datetime | None


class KeyInfo(Struct, frozen=True):
    """A key as it is listed: all but the key."""

    id: UUID
    tenant: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def create_key(
    conn: Connection, tenant: str, scopes: tuple[str, ...] = DEFAULT_SCOPES, expires_at: datetime | None = None
) -> NewKey:
    """Make a key; a tenant begins with its first one."""
    if not re.fullmatch(TENANT_PATTERN, tenant):
        raise BadKeyRequest(f"{tenant!r} can't name a tenant: 1 to 63 of a-z, 0-9 and -, not beginning with -.")
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise BadKeyRequest(f"Unknown scopes: {', '.join(unknown)}. There are {', '.join(SCOPES)}.")
    made = NewKey(uuid4(), f"tdk_{secrets.token_urlsafe(32)}", tenant, list(scopes), expires_at)
    await conn.execute(_INSERT, made.id, tenant, _digest(made.key), made.scopes, expires_at)
    return made


async def list_keys(conn: Connection, tenant: str) -> list[KeyInfo]:
    return [KeyInfo(**dict(row)) for row in await conn.fetch(_LIST, tenant)]


async def revoke_key(conn: Connection, tenant: str, key_id: UUID) -> bool:
    """False where the tenant has no such key that still works."""
    return await conn.execute(_REVOKE, key_id, tenant) == "UPDATE 1"


async def find_key(conn: Connection, key: str) -> Principal | None:
    """Whose key this is, if it works now. A digest is looked up, so timing tells nothing about keys."""
    row = await conn.fetchrow(_FIND, _digest(key))
    return Principal(row["id"], row["tenant"], frozenset(row["scopes"])) if row else None


async def database_now(conn: Connection) -> datetime:
    now: datetime = await conn.fetchval(_NOW)
    return now


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
