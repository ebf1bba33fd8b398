"""Persons' keys in a real database: made once, wrapped anew, and refused to be lost unnoticed."""

import asyncio
import os
from base64 import b64encode

import pytest

from eventstore.postgres import Pool
from eventstore.private import keys
from eventstore.private.cipher import Unreadable
from eventstore.private.keys import BadMasterKey, Masters
from services.private.vault import Vault

PEOPLE = [("acme", "ann"), ("acme", "bob"), ("acme", "")]


@pytest.fixture
async def clean(pool: Pool) -> Pool:
    await pool.execute("delete from person_keys; delete from secrets where name = 'private-keys'")
    return pool


async def _raws(pool: Pool, by: Masters) -> dict[tuple[str, str], bytes]:
    async with pool.acquire() as conn:
        return {person: found.key.raw for person, found in (await keys.find(conn, 0, PEOPLE, by)).items()}


async def test_of_many_who_make_a_key_all_get_the_same(clean: Pool) -> None:
    by = Masters([os.urandom(32)])

    async def make() -> bytes:
        async with clean.acquire() as conn:
            return (await keys.find_or_make(conn, 0, PEOPLE, by))["acme", "ann"].key.raw

    assert len(set(await asyncio.gather(*(make() for _ in range(6))))) == 1
    raws = await _raws(clean, by)
    assert len(set(raws.values())) == 3
    stored = await clean.fetch("select wrapped from person_keys")
    assert all(raw not in row["wrapped"] for raw in raws.values() for row in stored)


async def test_a_new_master_key_wraps_all_anew(clean: Pool) -> None:
    old, new = os.urandom(32), os.urandom(32)
    async with clean.acquire() as conn:
        await keys.find_or_make(conn, 0, PEOPLE, Masters([old]))
        before = await _raws(clean, Masters([old]))
        with pytest.raises(BadMasterKey):
            await keys.check(conn, Masters([new]))
        both = Masters([new, old])
        await keys.check(conn, both)
        assert await keys.rewrap(conn, both) == 3
        assert await keys.rewrap(conn, both) == 0
        await keys.check(conn, Masters([new]))
    assert await _raws(clean, Masters([new])) == before
    with pytest.raises(BadMasterKey):
        await _raws(clean, Masters([old]))


async def test_a_key_by_setting_takes_over_from_the_log_s_own(clean: Pool) -> None:
    setting = b64encode(os.urandom(32)).decode()
    async with clean.acquire() as conn:
        own = await Vault().masters(conn)
        await keys.find_or_make(conn, 0, PEOPLE, own)
        given = Vault(setting)
        await given.check(conn)
        assert await given.rewrap(conn) == 3
        assert await conn.fetchval("select count(*) from secrets where name = 'private-keys'") == 0
        await given.check(conn)
        with pytest.raises(BadMasterKey):
            await Vault().check(conn)


async def test_a_destroyed_key_is_gone_and_the_next_is_another(clean: Pool) -> None:
    by = Masters([os.urandom(32)])
    async with clean.acquire() as conn:
        first = (await keys.find_or_make(conn, 0, PEOPLE, by))["acme", "ann"]
        assert await keys.destroy(conn, 0, "acme", "ann")
        assert not await keys.destroy(conn, 0, "acme", "ann")
        second = (await keys.find_or_make(conn, 0, PEOPLE, by))["acme", "ann"]
    assert second.made_at > first.made_at
    with pytest.raises(Unreadable):
        second.key.open(first.key.seal(b"x", b"y"), b"y")


async def test_a_moved_row_is_no_key(clean: Pool) -> None:
    by = Masters([os.urandom(32)])
    async with clean.acquire() as conn:
        await keys.find_or_make(conn, 0, PEOPLE, by)
        await conn.execute("update person_keys set person = 'eve' where person = 'ann'")
        with pytest.raises(Unreadable):
            await keys.find(conn, 0, [("acme", "eve")], by)
