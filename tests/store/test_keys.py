"""Keys: shown once, kept as a digest, judged by the database's clock."""

from datetime import timedelta
from uuid import uuid4

import pytest

from eventstore.postgres import Pool
from services.keys import (
    DEFAULT_SCOPES,
    BadKeyRequest,
    create_key,
    database_now,
    find_key,
    list_keys,
    revoke_key,
)


async def test_a_key_finds_its_tenant_and_scopes(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant, ("read", "submit"))
        found = await find_key(conn, made.key)
    assert found
    assert (found.key_id, found.tenant, found.scopes) == (made.id, tenant, frozenset({"read", "submit"}))


async def test_a_key_may_do_all_but_admin_by_default(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant)
    assert made.scopes == list(DEFAULT_SCOPES)
    assert "admin" not in made.scopes


async def test_the_key_itself_is_nowhere_in_the_database(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant)
        row = await conn.fetchrow("select k::text as words from api_keys k where id = $1", made.id)
    assert row
    assert made.key not in row["words"]


@pytest.mark.parametrize("wrong", ["", "tdk_", "tdk_unknown", "\x00", "x" * 10_000])
async def test_an_unknown_key_finds_nobody(pool: Pool, wrong: str) -> None:
    async with pool.acquire() as conn:
        assert await find_key(conn, wrong) is None


async def test_an_expired_key_finds_nobody(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        now = await database_now(conn)
        ended = await create_key(conn, tenant, expires_at=now)
        lasting = await create_key(conn, tenant, expires_at=now + timedelta(hours=1))
        assert await find_key(conn, ended.key) is None
        assert await find_key(conn, lasting.key)


async def test_a_revoked_key_ends_at_once_and_stays_listed(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant)
        assert await revoke_key(conn, tenant, made.id)
        assert await find_key(conn, made.key) is None
        assert not await revoke_key(conn, tenant, made.id), "there is nothing left to revoke"
        [listed] = await list_keys(conn, tenant)
    assert listed.id == made.id
    assert listed.revoked_at


async def test_nobody_revokes_a_foreign_key(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        made = await create_key(conn, tenant)
        assert not await revoke_key(conn, f"{tenant}-other", made.id)
        assert not await revoke_key(conn, tenant, uuid4())
        assert await find_key(conn, made.key)


@pytest.mark.parametrize("name", ["", "Acme", "-acme", "a" * 64, "a b", "a\n"])
async def test_a_bad_tenant_is_refused(pool: Pool, name: str) -> None:
    async with pool.acquire() as conn:
        with pytest.raises(BadKeyRequest):
            await create_key(conn, name)


async def test_an_unknown_scope_is_refused_by_name(pool: Pool, tenant: str) -> None:
    async with pool.acquire() as conn:
        with pytest.raises(BadKeyRequest, match="everything"):
            await create_key(conn, tenant, ("everything",))
        assert await list_keys(conn, tenant) == []
