"""Ranges checked side by side tell the same as a walk from the first event, whatever was done to the log."""

import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventstore.audit import parts, verify, workers
from eventstore.audit.checkpoints import Makers
from eventstore.audit.diagnose import HeadRow
from eventstore.audit.parts import Part, check_part, split
from eventstore.audit.signed import Trust, signed
from eventstore.audit.walk import Walk
from eventstore.chain import next_hash
from eventstore.postgres import Connection, Pool
from tests.conftest import Servers
from tests.store.logs import fill
from tests.store.tampering import WAYS, Tamper

HEAD = "select position, hash from heads where partition = 0"


@pytest.fixture(scope="module", autouse=True)
async def log(pool: Pool) -> Pool:
    """One partition, with checkpoints here and there."""
    makers = Makers(pool, 1, None)
    for seed in range(6):
        await fill(pool, 0, "acme", 7, seed)
        await makers.make()
    return pool


@pytest.fixture(scope="module")
async def superuser(database: str, servers: Servers) -> AsyncIterator[Connection]:
    conn = await asyncpg.connect(urlsplit(servers.admin_database_url)._replace(path=urlsplit(database).path).geturl())
    yield conn
    await conn.close()


@pytest.fixture(params=[8, 16, 1024])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    found: int = request.param
    monkeypatch.setattr(parts, "PART", found)
    return found


async def walked(conn: Connection) -> bool:
    """What the walk alone says."""
    checkpoints, spoiled = await signed(conn, 0, Trust(), ())
    row = await conn.fetchrow(HEAD)
    async with conn.transaction():
        return not spoiled and await verify._walk(conn, Walk(0, checkpoints), HeadRow(*row) if row else None) is None


async def held(conn: Connection) -> bool:
    """What the ranges alone say."""
    checkpoints, spoiled = await signed(conn, 0, Trust(), ())
    row = await conn.fetchrow(HEAD)
    if not row or spoiled:
        return False
    partition = verify._Partition(0, Trust(), (), lambda _: None, None)
    async with conn.transaction():
        return await partition._held(conn, HeadRow(*row), checkpoints, []) is not None


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_ranges_and_the_walk_agree(superuser: Connection, size: int, way: Tamper) -> None:
    assert await held(superuser)
    for seed in range(4):
        change = superuser.transaction()
        await change.start()
        await way(superuser, random.Random(f"{size} {seed}"))
        assert not await held(superuser)
        assert not await walked(superuser)
        await change.rollback()
    assert await held(superuser)
    assert await walked(superuser)


async def test_processes_check_the_same_snapshot(log: Pool, database: str, size: int) -> None:
    seen: list[int] = []
    with workers.workers(database, await verify.total(log), 2) as helpers:
        report = await verify.verify(log, Trust(), progress=seen.append, helpers=helpers)
        assert (helpers is None) == (size == 1024)  # not worth a process
        await fill(log, 0, "acme", 3, size)
        later = await verify.verify(log, Trust(), helpers=helpers)
    assert report.ok
    assert later.ok
    assert sum(seen) == report.events < later.events


async def test_processes_find_what_was_edited(superuser: Connection, log: Pool, database: str, size: int) -> None:
    hash_ = await superuser.fetchval("select hash from events where position = 30")
    await superuser.execute("update events set hash = sha256(hash) where position = 30")
    with workers.workers(database, await verify.total(log), 2) as helpers:
        report = await verify.verify(log, Trust(), helpers=helpers)
    await superuser.execute("update events set hash = $1 where position = 30", hash_)
    assert report.first_bad, size
    assert report.first_bad.position == 30


WRITTEN_OTHERWISE = [
    ("tenant", "Zoë", b'"tenant":"acme"', '"tenant":"Zoë"'),
    ("stream", "type:Ö", b'"stream":"', '"stream":"type:\\u00d6","was":"'),
    ("actor", "user:a:b", b'{"kind":"system","id":"tidings"}', '{"kind":"user","id":"a:b"}'),
    ("actor", 'user:"a"', b'{"kind":"system","id":"tidings"}', '{"kind":"user","id":"\\"a\\""}'),
    ("actor", "system:tidings", b'"schema":1,', '"schema":12,'),
]


@pytest.mark.parametrize(("column", "value", "old", "new"), WRITTEN_OTHERWISE)
async def test_a_line_that_is_written_otherwise_is_decoded(
    superuser: Connection, column: str, value: str, old: bytes, new: str
) -> None:
    """Letters that JSON escapes, colons, a high schema: no difference, as long as column and line say the same."""
    change = superuser.transaction()
    await change.start()
    row = await superuser.fetchrow(
        "select line, (select hash from events where position = 4) from events where position = 5"
    )
    assert row
    line = row[0].replace(old, new.encode())
    assert line != row[0]
    for said, fits in ((value, True), (value + "x", False)):
        await superuser.execute(
            f"update events set {column} = $1, line = $2, hash = $3 where position = 5",
            said, line, next_hash(row[1], line),
        )  # fmt: skip
        held = await check_part(superuser, Part(0, 4, 5))
        assert (held is not None) == fits
    await change.rollback()


async def test_a_range_without_the_row_before_it_does_not_hold(log: Pool) -> None:
    async with log.acquire() as conn, conn.transaction():
        assert await check_part(conn, Part(0, 10**6, 10**6 + 1)) is None
        head = await conn.fetchval("select position from heads")
        assert await check_part(conn, Part(0, head - 1, head + 1)) is None
        whole = await check_part(conn, Part(0, 0, head))
        assert whole
        assert whole.end.position == head


def test_a_partition_is_split_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART", 4)
    assert split(3, 9, [9, 4, 4, 5, 99]) == [Part(3, 0, 4, (4,)), Part(3, 4, 8, (5,)), Part(3, 8, 9, (9,))]
    assert split(3, 0, []) == []
