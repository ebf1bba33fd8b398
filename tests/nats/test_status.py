"""The last status of each job on its subject: never older after newer, nothing missed, gone some time after the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import NoStreamResponseError

from eventstore import jetstream
from eventstore.answers import Answers, Asking
from eventstore.archive import place
from eventstore.postgres import Pool, open_pool
from eventstore.tail import Tail
from projections.status.read import database_now, read_changed
from schemas import events as e
from schemas import subjects
from schemas.job import Job
from schemas.states import State
from services.archiving import archive_all
from services.nats.status import MERGE_S, PAGE, PartitionStatus
from services.server import API
from services.settings import Settings
from services.waits.waits import Waits
from tests.api.client import Api, Sent
from tests.background import beside
from tests.conftest import NewDatabase
from tests.nats.service import by_http, tidings
from tests.nats.statuses import last, until, watching
from tests.nats_servers import Broker, broker
from tests.store.logs import TAKEN, append, job_id, requested, worked
from tests.store.streams import client_of, opened

TTL_S = 600


@pytest.fixture
async def database(new_database: NewDatabase) -> str:
    """A log of its own for each test."""
    return await new_database(1)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database, 6, name="test")
    yield pool
    await pool.close()


@pytest.fixture(autouse=True)
async def js(nats: Broker) -> AsyncIterator[JetStreamContext]:
    """A NATS without statuses of other tests."""
    client = await jetstream.connect(nats.url, "test")
    made = client.jetstream()
    await jetstream.ensure_streams(made, 1)
    await made.delete_stream(subjects.STATUS_STREAM)
    await jetstream.ensure_streams(made, 1)
    yield made
    await client.close()


@asynccontextmanager
async def publishing(pool: Pool, nats: Broker, *, ttl_s: int = TTL_S) -> AsyncIterator[Tail]:
    """A publisher beside whatever others there are; the tail wakes it."""
    client = await jetstream.connect(nats.url, "test-status")
    tail = Tail(pool, 0)
    await tail.start()
    publisher = PartitionStatus(pool, tail, Waits(pool, {0: tail}), replicas=1, ttl_s=ttl_s, look_s=0.1)
    try:
        async with beside(tail.run(), publisher.run(client)):
            yield tail
    finally:
        await client.close()


def retried() -> list[e.Event]:
    at = "2026-01-01T00:00:00.000000Z"
    return [e.RetryRequested(run=2, scope="all", plan=""), e.JobQueued(run=2, ready_at=at)]


async def happen(pool: Pool, tail: Tail | None, tenant: str, job: str, *events: e.Event) -> int:
    """The job's new version."""
    recorded = await append(pool, 0, tenant, [(job, list(events))])
    if tail:
        tail.wake(recorded[-1].position)
    return recorded[-1].version


async def state(pool: Pool, job: str) -> Job:
    async with pool.acquire() as conn:
        return (await read_changed(conn, 0, [job]))[0]


async def test_a_subscriber_sees_each_newer_state(pool: Pool, nats: Broker, js: JetStreamContext, tenant: str) -> None:
    job = job_id()
    async with publishing(pool, nats) as tail, watching(js, subjects.status(tenant, job)) as statuses:
        await happen(pool, tail, tenant, job, *requested(job))
        (queued,) = await until(statuses, 2)
        assert queued.view["state"] == State.QUEUED
        assert "Nats-TTL" not in queued.headers
        version = await happen(pool, tail, tenant, job, *worked())
        finished = (await until(statuses, version))[-1]
    assert finished.view["state"] == State.FINISHED
    assert 0 < int(finished.headers["Nats-TTL"].removesuffix("s")) <= TTL_S
    assert finished.headers["Tidings-Position"] == f"0:{(await state(pool, job)).position}"
    assert b"sig=" not in msgspec.json.encode(finished.view), "nobody gets a download by listening"


async def test_quick_changes_are_told_as_one(pool: Pool, nats: Broker, js: JetStreamContext, tenant: str) -> None:
    job = job_id()
    loop = asyncio.get_running_loop()
    async with publishing(pool, nats) as tail, watching(js, subjects.status(tenant, job)) as statuses:
        begun = loop.time()
        await happen(pool, tail, tenant, job, *requested(job))
        for clicks in range(2, 52):
            await happen(pool, tail, tenant, job, e.RequestRepeated(clicks=clicks))
        seen = await until(statuses, 52)
        windows = 1 + (loop.time() - begun) / MERGE_S
        assert len(seen) <= windows + 1, "one message a window, however slow the machine"
        assert seen[-1].view["clicks"] == 51


async def test_an_outdated_publisher_changes_nothing(pool: Pool, js: JetStreamContext, tenant: str) -> None:
    """Held up for so long that another one took over: what it still sends is refused."""
    job = job_id()
    first, second = (
        PartitionStatus(pool, tail, Waits(pool, {0: tail}), replicas=1, ttl_s=TTL_S)
        for tail in (Tail(pool, 0), Tail(pool, 0))
    )
    states = []
    for events in (requested(job), [TAKEN], [e.StageStarted(stage="reading")]):
        await happen(pool, None, tenant, job, *events)
        states.append(await state(pool, job))
    async with pool.acquire() as conn:
        at = await database_now(conn)
    async with Answers(client_of(js)) as answers:
        for publisher in (first, second):
            publisher._js, publisher._answers = js, answers
        await first._publish([states[0]], at)
        await second._publish([states[2]], at)
        assert first._seen[job].version == 2
        await first._publish([states[1]], at)
        found = await last(js, tenant, job)
        assert found
        assert found.version == 4
        assert first._seen[job].version == 4, "and now it knows"
        await second._publish([states[2]], at)
        again = await js.get_last_msg(subjects.STATUS_STREAM, subjects.status(tenant, job))
    assert again.seq == first._seen[job].sequence, "nothing is told twice"


async def test_two_publishers_at_once_tell_as_one(pool: Pool, nats: Broker, js: JetStreamContext, tenant: str) -> None:
    jobs = [job_id() for _ in range(20)]
    async with (
        publishing(pool, nats) as one,
        publishing(pool, nats) as two,
        watching(js, subjects.status(tenant, "*")) as statuses,
    ):
        for events in (requested, lambda _: worked()[:1], lambda _: worked()[1:]):
            recorded = await append(pool, 0, tenant, [(job, events(job)) for job in jobs])
            one.wake(recorded[-1].position)
            two.wake(recorded[-1].position)
        seen = dict.fromkeys(jobs, 0)
        async with asyncio.timeout(20):
            while set(seen.values()) != {2 + len(worked())}:
                status = await anext(statuses)
                assert status.version > seen[status.job], "a status went back"
                seen[status.job] = status.version


async def test_what_happened_while_nobody_published_is_told(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    """Also more than a page of it, and also where NATS was away."""
    watched, others = job_id(), [job_id() for _ in range(PAGE)]
    async with publishing(pool, nats) as tail, watching(js, subjects.status(tenant, watched)) as statuses:
        await happen(pool, tail, tenant, watched, *requested(watched))
        await until(statuses, 2)
    await append(pool, 0, tenant, [(job, requested(job)) for job in others])
    version = await happen(pool, None, tenant, watched, TAKEN)
    nats.kill()
    nats.begin()
    async with publishing(pool, nats) as tail:
        version = await happen(pool, tail, tenant, watched, e.StageStarted(stage="reading"))
        async with watching(js, subjects.status(tenant, "*")) as all_of_them:
            found: dict[str, int] = {}
            async with asyncio.timeout(20):
                async for status in all_of_them:
                    found[status.job] = status.version
                    if found.get(watched) == version and len(found) == len(others) + 1:
                        break


async def test_what_was_archived_while_nobody_published_is_told(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str, tmp_path: Path
) -> None:
    """Away for longer than the lines of an ended job are kept: whoever watched it is told its end."""
    watched, others = job_id(), [job_id() for _ in range(3 * PAGE // 7)]
    async with pool.acquire() as conn:
        await place.say(conn, tmp_path.as_uri())
    async with publishing(pool, nats) as tail, watching(js, subjects.status(tenant, watched)) as statuses:
        await until(statuses, await happen(pool, tail, tenant, watched, *requested(watched)))
    await append(pool, 0, tenant, [(job, [*requested(job), *worked()]) for job in others])
    version = await happen(pool, None, tenant, watched, *worked())
    await archive_all(pool, [0], 0, 1000)
    assert await pool.fetchval("select count(*) from events") == 0
    async with publishing(pool, nats), watching(js, subjects.status(tenant, watched)) as statuses:
        told = (await until(statuses, version))[-1]
    assert told.view["state"] == State.FINISHED


async def test_a_stream_made_anew_has_what_is_open_and_what_ended_lately(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    """Whoever watched a job that ended while there was no stream would wait for its end for ever."""
    open_, ended = job_id(), job_id()
    async with publishing(pool, nats) as tail, watching(js, subjects.status(tenant, ended)) as statuses:
        await happen(pool, tail, tenant, open_, *requested(open_))
        await until(statuses, await happen(pool, tail, tenant, ended, *requested(ended)))
    await js.delete_stream(subjects.STATUS_STREAM)
    await jetstream.ensure_streams(js, 1)
    version = await happen(pool, None, tenant, ended, *worked())
    async with (
        publishing(pool, nats),
        watching(js, subjects.status(tenant, open_)) as still_open,
        watching(js, subjects.status(tenant, ended)) as over,
    ):
        assert "Nats-TTL" not in (await until(still_open, 2))[-1].headers
        told = (await until(over, version))[-1]
    assert told.view["state"] == State.FINISHED
    assert 0 < int(told.headers["Nats-TTL"].removesuffix("s")) <= TTL_S


@pytest.mark.parametrize("how", ["purged", "deleted", "purged amid changes"])
async def test_what_was_taken_away_is_told_again(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str, how: str
) -> None:
    """Without a change of the quiet job, and whether or not another job's status tells that the stream is not empty."""
    quiet, busy = job_id(), job_id()
    async with asyncio.timeout(30), publishing(pool, nats) as tail:
        async with watching(js, subjects.status(tenant, "*")) as statuses:
            for job in (quiet, busy):
                await happen(pool, tail, tenant, job, *requested(job))
            seen = {(await anext(statuses)).job for _ in range(2)}
            assert seen == {quiet, busy}
        if how == "deleted":
            await js.delete_stream(subjects.STATUS_STREAM)
        else:
            await js.purge_stream(subjects.STATUS_STREAM)
        if how == "purged amid changes":
            await happen(pool, tail, tenant, busy, TAKEN)
        while not await last(js, tenant, quiet):
            pass


@pytest.mark.parametrize("kept", [0.5, 0.0])
async def test_what_a_crash_took_is_told_again(pool: Pool, tenant: str, kept: float) -> None:
    """A single server syncs no status: whatever share of them it lost, nobody waits for the job's next change."""
    jobs = [job_id() for _ in range(20)]
    with broker() as own:
        async with opened(own.url) as js, publishing(pool, own) as tail:
            for job in jobs:
                await happen(pool, tail, tenant, job, *requested(job))
            await all_told(js, tenant, jobs)
        own.kill()
        own.lose(subjects.STATUS_STREAM, kept)
        own.begin()
        async with publishing(pool, own), opened(own.url) as js:
            await all_told(js, tenant, jobs)


async def all_told(js: JetStreamContext, tenant: str, jobs: list[str]) -> None:
    async with asyncio.timeout(30):
        for job in jobs:
            while not await last(js, tenant, job):
                pass


async def test_an_ended_job_leaves_and_a_retried_one_is_back(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    job = job_id()
    async with asyncio.timeout(30), publishing(pool, nats, ttl_s=1) as tail:
        async with watching(js, subjects.status(tenant, job)) as statuses:
            await until(statuses, await happen(pool, tail, tenant, job, *requested(job), *worked()))
            while await last(js, tenant, job):
                pass
            seen = await until(statuses, await happen(pool, tail, tenant, job, *retried()))
        assert "Nats-TTL" not in seen[-1].headers


async def test_a_status_wakes_the_screens(database: str, pool: Pool, nats: Broker, tenant: str) -> None:
    """An API process that hears of a commit by nothing else shows it as soon as NATS does."""
    settings = Settings(database_url=database, nats_url=nats.url, files_url="memory:///", net_s=60)
    async with (
        # Without timers: an attempt that has no lease is lost to them, rightly.
        tidings(settings, frozenset({API})) as url,
        by_http(url, pool, tenant) as api,
        publishing(pool, nats) as tail,
    ):
        await show(api, pool, tail)


async def show(api: Api, pool: Pool, tail: Tail) -> None:
    job = job_id()
    await happen(pool, tail, api.tenant, job, *requested(job))
    async with asyncio.timeout(20), api.stream(f"/v1/jobs/{job}/stream") as events:
        assert await shown_version(events) == 2
        version = await happen(pool, tail, api.tenant, job, TAKEN)
        assert await shown_version(events) == version


async def shown_version(events: AsyncIterator[Sent]) -> int:
    version = (await anext(events)).data["version"]
    assert isinstance(version, int)
    return version


async def test_each_message_has_an_answer_of_its_own(js: JetStreamContext, tenant: str) -> None:
    """Also where some are refused, and where no stream takes any."""
    named = [subjects.status(tenant, job_id()) for _ in range(3)]
    first = Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value
    async with Answers(client_of(js)) as answers:
        found = await answers.publish(
            [Asking(subject, b"{}", {first: before}) for subject, before in zip(named, "090", strict=True)]
        )
        assert [answer.error is None for answer in found] == [True, False, True]
        assert found[2].seq == found[0].seq + 1
        assert found[1].error
        assert found[1].error.err_code == 10071
        with pytest.raises(NoStreamResponseError):
            await answers.publish([Asking("nobody.listens", b"{}", {})])
        assert [answer.error is None for answer in await answers.publish([Asking(named[1], b"{}", {first: "0"})])] == [
            True
        ]
