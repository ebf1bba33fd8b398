"""`tidings keys`: made, listed and revoked in the database itself, so that a new tenant can begin."""

import asyncio
import re
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from services.commands.database import database
from services.keys import DEFAULT_SCOPES, REMEMBERED_S, BadKeyRequest, create_key, database_now, list_keys, revoke_key

_PERIOD = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


async def create(data: Path | None, tenant: str, scopes: str | None, expires: str | None, *, as_json: bool) -> int:
    chosen = tuple(word.strip() for word in scopes.split(",")) if scopes else DEFAULT_SCOPES
    lasts = period(expires) if expires else None
    async with database(data) as pool, pool.acquire() as conn:
        expires_at = await database_now(conn) + lasts if lasts else None
        made = await create_key(conn, tenant, chosen, expires_at)
    if as_json or not sys.stdout.isatty():
        _print(msgspec.json.encode(made).decode())
    else:
        until = f"until {made.expires_at:%Y-%m-%d %H:%M} UTC" if made.expires_at else "until it is revoked"
        _print(f"{made.key}\nA key of {tenant}, {until}, for {', '.join(made.scopes)}. It is not shown again.")
    return 0


async def list_all(data: Path | None, tenant: str, *, as_json: bool) -> int:
    async with database(data) as pool, pool.acquire() as conn:
        found = await list_keys(conn, tenant)
    if as_json or not sys.stdout.isatty():
        _print(msgspec.json.encode({"keys": found}).decode())
    for each in found if sys.stdout.isatty() and not as_json else ():
        ends = f"revoked {each.revoked_at:%Y-%m-%d}" if each.revoked_at else ""
        until = f"until {each.expires_at:%Y-%m-%d}" if each.expires_at else "no end"
        _print(f"{each.id}  made {each.created_at:%Y-%m-%d}  {ends or until}  {', '.join(each.scopes)}")
    return 0


async def revoke(data: Path | None, tenant: str, key_id: str, *, as_json: bool) -> int:
    try:
        wanted = UUID(key_id)
    except ValueError as error:
        raise BadKeyRequest(f"{key_id!r} is no key's id: `tidings keys list` shows them.") from error
    async with database(data) as pool, pool.acquire() as conn:
        revoked = await revoke_key(conn, tenant, wanted)
    if revoked:
        await asyncio.sleep(REMEMBERED_S * 1.1)  # then no process remembers it, and the words are true
    words = "Revoked: it works no more." if revoked else f"{tenant} has no working key with this id."
    _print(msgspec.json.encode({"id": wanted, "revoked": revoked}).decode() if as_json else words)
    return 0 if revoked else 1


def period(words: str) -> timedelta:
    found = _PERIOD.fullmatch(words)
    if not found:
        raise BadKeyRequest(f"{words!r} is no period: write 90d, 12h or 30m.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _print(words: str) -> None:
    print(words)
