"""Checkpoints leave the database: to NATS every one, once and in order, and to a shelf. Both tell of a changed log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from eventstore import jetstream
from eventstore.audit.checkpoints import Makers
from eventstore.audit.notes import open_note, read_head, signatures
from eventstore.audit.outside import Shelf, notes_at
from eventstore.audit.publish import publish
from eventstore.audit.signed import Trust
from eventstore.audit.verify import verify
from eventstore.audit.walk import Kind
from eventstore.postgres import Pool, open_pool
from schemas import subjects
from services.settings import Settings
from tests.conftest import NewDatabase
from tests.nats.service import tidings
from tests.nats_servers import Broker
from tests.store.logs import fill

WAIT_S = 20


@pytest.fixture
async def pool(new_database: NewDatabase) -> AsyncIterator[Pool]:
    """A log of its own for each test."""
    async with await open_pool(await new_database(1), 6, name="test") as made:
        yield made


@pytest.fixture
async def empty(js: JetStreamContext) -> JetStreamContext:
    """The stream is there, and nothing in it."""
    for config in jetstream.shared_configs(1):
        await jetstream.ensure_stream(js, config)
    await js.purge_stream(subjects.CHECKPOINTS_STREAM)
    return js


async def in_nats(js: JetStreamContext) -> list[str]:
    """The notes, in their order."""
    state = (await js.stream_info(subjects.CHECKPOINTS_STREAM)).state
    found = [await js.get_msg(subjects.CHECKPOINTS_STREAM, n) for n in range(state.first_seq, state.last_seq + 1)]
    assert {each.subject for each in found} <= {subjects.checkpoints(0)}
    return [(each.data or b"").decode() for each in found]


async def signed(pool: Pool) -> list[str]:
    return [row["note"] for row in await pool.fetch("select note from signed_checkpoints order by position")]


async def test_a_service_takes_them_to_nats_and_to_its_shelf(
    new_database: NewDatabase, nats: Broker, empty: JetStreamContext, tmp_path: Path, tenant: str
) -> None:
    database = await new_database(1)
    settings = Settings(
        database_url=database,
        nats_url=nats.url,
        files_url=(tmp_path / "files").as_uri(),
        checkpoints_url=(tmp_path / "shelf").as_uri(),
        net_s=0.1,
    )
    async with await open_pool(database, 4, name="test") as pool:
        async with tidings(settings):
            await fill(pool, 0, tenant, 5)
            async with asyncio.timeout(WAIT_S):
                while await newest(empty) != await pool.fetchval("select position from heads"):
                    """They follow the log by themselves."""
            await fill(pool, 0, tenant, 5)  # and at a clean end
        assert await newest(empty) == await pool.fetchval("select position from heads")
        assert await in_nats(empty) == await signed(pool)
        key = await Makers(pool, 1, None).public_key()
        assert [open_note(note, [key]) for note in await in_nats(empty)]
        (kept,) = await Shelf(settings.checkpoints_url or "").notes()
        assert kept.note == (await signed(pool))[-1]


async def newest(js: JetStreamContext) -> int:
    """How many events the last note in NATS covers."""
    found = await in_nats(js)
    return read_head(signatures(found[-1])[0]).size if found else 0


async def test_what_nats_lacks_is_published_once_whoever_does_it(
    pool: Pool, nats: Broker, empty: JetStreamContext, tenant: str
) -> None:
    makers = Makers(pool, 1, None)
    clients = [await jetstream.connect(nats.url, f"test-{n}") for n in range(3)]
    try:
        for _ in range(3):
            await fill(pool, 0, tenant, 2)
            await makers.make()
            await asyncio.gather(*(publish(pool, client, 0) for client in clients))
            assert await in_nats(empty) == await signed(pool)
        await empty.purge_stream(subjects.CHECKPOINTS_STREAM)
        await publish(pool, clients[0], 0)
        assert await in_nats(empty) == await signed(pool)
    finally:
        for client in clients:
            await jetstream.close(client)


async def test_notes_from_nats_tell_of_another_database_in_the_log_s_place(
    pool: Pool, new_database: NewDatabase, nats: Broker, empty: JetStreamContext, tmp_path: Path, tenant: str
) -> None:
    await fill(pool, 0, tenant, 5)
    await Makers(pool, 1, None).make()
    client = await jetstream.connect(nats.url, "test")
    await publish(pool, client, 0)
    await jetstream.close(client)
    for number, note in enumerate(await in_nats(empty)):
        (tmp_path / f"{number}.note").write_text(note)
    assert (await verify(pool, Trust(), notes_at(tmp_path))).ok
    async with await open_pool(await new_database(1), 4) as other:
        await fill(other, 0, tenant, 5)
        await Makers(other, 1, None).make()
        assert (await verify(other, Trust())).ok
        found = (await verify(other, Trust(), notes_at(tmp_path))).first_bad
        assert found
        assert found.kind is Kind.CHECKPOINT
