"""The relay: in NATS every event once and in order, whoever dies; a stream that went astray is noticed and mended."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from eventstore import jetstream, read
from eventstore.archive import place
from eventstore.outgoing import PAGE_MAX_BYTES, Outgoing
from eventstore.postgres import Pool, open_pool
from eventstore.relay import PartitionRelay, Relay
from eventstore.tail import Tail
from schemas import events as e
from schemas import subjects
from schemas.envelope import LINE_MAX_BYTES, seal
from schemas.jobtypes import Definition
from services.archiving import archive_all
from tests.background import beside
from tests.conftest import NewDatabase
from tests.e2e.processes import TIDINGS, Process, run, running
from tests.nats_servers import Broker, broker, cluster
from tests.store.logs import TAKEN, append, fill, job_id, requested
from tests.store.streams import assert_equal, client_of, messages, opened, there

NAME = subjects.events_stream(0)
EVENTS = subjects.events(0)
DATA_MAX_BYTES = LINE_MAX_BYTES - 2048  # what the append lets pass


@pytest.fixture
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture
async def js(nats: Broker) -> AsyncIterator[JetStreamContext]:
    async with opened(nats.url) as found:
        yield found


@pytest.fixture
async def database(new_database: NewDatabase) -> str:
    """A log of its own for each test."""
    return await new_database(1)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database, 6, name="test")
    yield pool
    await pool.close()


@asynccontextmanager
async def relaying(
    pool: Pool, database: str, nats: Broker, *, window: int = 64, cloudevents: bool = False
) -> AsyncIterator[Tail]:
    """A relay in this process, woken by the tail that is given."""
    tail = Tail(pool, 0)
    await tail.start()
    relay = Relay(pool, database, nats.url, 1, tails={0: tail}, window=window, cloudevents=cloudevents, look_s=0.05)
    async with beside(relay.run()):
        yield tail


def process(database: str, nats: Broker, **env: str) -> AbstractContextManager[Process]:
    """A relay as operators run it."""
    given = {
        "TIDINGS_DATABASE_URL": database,
        "TIDINGS_NATS_URL": nats.url,
        "TIDINGS_PORT": "0",
        "TIDINGS_NET_S": "0.1",
    }
    return running(str(TIDINGS), "serve", "--roles", "relay", **given, **env)


def command(verb: str, database: str, nats: Broker, **env: str) -> tuple[int, str]:
    done = run("relay", verb, TIDINGS_DATABASE_URL=database, TIDINGS_NATS_URL=nats.url, **env)
    return done.returncode, done.stdout + done.stderr


def job_of(message: Msg) -> str:
    return (message.headers or {})["Tidings-Job"]


async def test_every_event_once_in_order_under_its_subject(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    await append(
        pool,
        0,
        tenant,
        [("type:orders.export", [e.JobTypeDefined(name="orders.export", definition=Definition(title="Export"))])],
    )
    jobs = await fill(pool, 0, tenant, 100)
    async with relaying(pool, database, nats):
        found = await assert_equal(pool, js)
    headers = [message.headers or {} for message in found]
    assert [each.subject for each in found[:3]] == [
        subjects.event(0, tenant, None, "JobTypeDefined"),
        *[
            subjects.event(0, tenant, "orders.export", "JobRequested"),
            subjects.event(0, tenant, "orders.export", "JobQueued"),
        ],
    ]
    assert "orders-export" in found[1].subject
    assert "Tidings-Job" not in headers[0]
    assert {each["Tidings-Job"] for each in headers[1:]} == set(jobs)
    assert all("Nats-Msg-Id" not in each and "ce-id" not in each for each in headers)


async def test_what_is_appended_is_sent_at_once_and_a_new_relay_goes_on(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    for _ in range(3):
        async with relaying(pool, database, nats) as tail:
            await there(js, NAME)
            arrived = await js._nc.subscribe(EVENTS)
            for _ in range(3):
                tail.feed(await append(pool, 0, tenant, [(job := job_id(), requested(job))]))
                assert job_of(await arrived.next_msg(5)) == job
                await arrived.next_msg(5)
            await arrived.unsubscribe()
    await assert_equal(pool, js)


async def test_a_job_begun_long_ago_still_has_its_type(pool: Pool, tenant: str) -> None:
    """Remembered for two jobs only, so the others' types are read again."""
    jobs = [job_id() for _ in range(10)]
    await append(pool, 0, tenant, [(job, requested(job)) for job in jobs])
    await append(pool, 0, tenant, [(job, [e.RequestRepeated(clicks=2)]) for job in jobs])
    outgoing, found, after = Outgoing(0, remember=2), [], 0
    async with pool.acquire() as conn:
        while page := await outgoing.page(conn, after, 3):
            found += page
            after = page[-1].position
    assert [each.position for each in found] == list(range(1, 31))
    assert {each.subject.split(".")[5] for each in found} == {"orders-export"}


async def test_two_relays_without_a_lock_double_nothing(
    pool: Pool, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    """As when the database gave the lock away while the first one still sends."""
    await fill(pool, 0, tenant, 100)
    async with opened(nats.url) as other:
        tasks = [
            asyncio.create_task(
                PartitionRelay(pool, Outgoing(0), 0, replicas=1, chunk=chunk, look_s=0.05).run(client_of(each))
            )
            for each, chunk in ((js, 3), (other, 7))
        ]
        await assert_equal(pool, js)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_second_process_takes_over_after_kill_9(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    await fill(pool, 0, tenant, 20)
    with process(database, nats) as first:
        await assert_equal(pool, js)
        with process(database, nats):
            arrived = await js._nc.subscribe(EVENTS)
            await js._nc.flush()
            first.popen.kill()
            killed = time.monotonic()
            await append(pool, 0, tenant, [(job := job_id(), requested(job))])
            assert job_of(await arrived.next_msg(10)) == job
            print(f"taken over {time.monotonic() - killed:.2f} s after the kill")
            await fill(pool, 0, tenant, 20)
            await assert_equal(pool, js)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_relay_killed_after_publishing_doubles_nothing(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str, times: int
) -> None:
    await fill(pool, 0, tenant, 100)
    with process(database, nats, TIDINGS_CRASH_AT=f"relay.after_publish:{times}", TIDINGS_RELAY_WINDOW="64") as first:
        assert first.popen.wait(20) == -9
    with process(database, nats):
        await assert_equal(pool, js)


@pytest.mark.parametrize("kept", [1.0, 0.5, 0.0])
async def test_nats_killed_and_away_is_caught_up(
    pool: Pool, database: str, nats: Broker, tenant: str, kept: float
) -> None:
    """Whatever share of its files the crash left: the server does not sync events, and it is still the same stream."""
    await fill(pool, 0, tenant, 50)
    with process(database, nats) as relay:
        async with opened(nats.url) as js:
            await assert_equal(pool, js)
        nats.kill()
        relay.hear(lambda line: "nats disconnected" in line)
        if kept < 1:
            nats.lose(NAME, kept)
        await fill(pool, 0, tenant, 200)
        nats.begin()
        async with opened(nats.url) as js:
            await assert_equal(pool, js)


async def astray(how: str, pool: Pool, js: JetStreamContext, tenant: str) -> None:
    match how:
        case "purged":
            await js.purge_stream(NAME)
        case "deleted":
            await js.delete_stream(NAME)
        case "hole":
            await js.delete_msg(NAME, 7)
        case "ahead":
            await js.publish(f"tidings.v1.events.0.{tenant}._.Nothing", b"{}")
        case "differs":
            await js.publish(f"tidings.v1.events.0.{tenant}._.Nothing", b"{}")
            await append(pool, 0, tenant, [(job := job_id(), requested(job))])


@pytest.mark.parametrize("how", ["purged", "deleted", "hole", "ahead", "differs"])
async def test_a_stream_gone_astray_is_said_and_mended(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str, how: str
) -> None:
    """As found at the start; the relay publishes nothing more until the stream was made anew."""
    await fill(pool, 0, tenant, 20)
    async with relaying(pool, database, nats):
        await assert_equal(pool, js)
    await astray(how, pool, js, tenant)
    with process(database, nats) as relay:
        said = relay.hear(lambda line: "relay stopped" in line)
        assert f'"{how}"' in said
        assert "tidings relay resync" in said
        code, words = command("status", database, nats)
        assert code == 1
        assert how in words
        await append(pool, 0, tenant, [(job := job_id(), requested(job))])
        assert command("resync", database, nats)[0] == 0
        await assert_equal(pool, js)
        await fill(pool, 0, tenant, 20)
        await assert_equal(pool, js)


async def test_a_stream_of_a_single_server_gets_no_copies_until_it_is_made_anew(
    pool: Pool, database: str, tenant: str
) -> None:
    """Three servers joined what was one: NATS can't copy a stream that it does not write at once."""
    await fill(pool, 0, tenant, 20)
    copies = {"TIDINGS_NATS_REPLICAS": "3"}
    with cluster() as (nats, *_):
        async with relaying(pool, database, nats), opened(nats.url) as js:
            await assert_equal(pool, js)
        assert command("status", database, nats)[0] == 0
        with process(database, nats, **copies) as relay:
            assert '"single"' in relay.hear(lambda line: "relay stopped" in line)
            code, words = command("status", database, nats, **copies)
            assert (code, "single" in words) == (1, True)
            assert command("resync", database, nats, **copies)[0] == 0
            async with opened(nats.url) as js:
                await assert_equal(pool, js)
                for name in (NAME, subjects.STATUS_STREAM):
                    assert (await js.stream_info(name)).config.num_replicas == 3


async def test_a_stream_is_filled_from_archives_too(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str, tmp_path: Path
) -> None:
    """After a resync, and where the relay was away while ranges left the table."""
    async with pool.acquire() as conn:
        await place.say(conn, tmp_path.as_uri())
    await fill(pool, 0, tenant, 60)
    async with relaying(pool, database, nats):
        before = await messages(js, 0, await _head(pool))
    await fill(pool, 0, tenant, 60, 2)
    rows = await pool.fetch("select line, hash from events order by position")
    sealed = [seal(row["line"], row["hash"]) for row in rows]
    await archive_all(pool, [0], 0, 50)
    assert await pool.fetchval("select count(*) from events") < len(sealed)
    async with relaying(pool, database, nats):
        gone_on = await messages(js, 0, len(sealed))
    assert command("resync", database, nats)[0] == 0
    async with relaying(pool, database, nats):
        anew = await messages(js, 0, len(sealed))
    assert [message.data for message in gone_on] == [message.data for message in anew] == sealed
    assert [message.subject for message in anew] == [message.subject for message in gone_on]
    assert [message.subject for message in anew][: len(before)] == [message.subject for message in before]
    assert command("status", database, nats)[0] == 0


async def test_status_says_how_far_it_is(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    async with relaying(pool, database, nats):
        await append(pool, 0, tenant, [(job := job_id(), requested(job))])
        await assert_equal(pool, js)
    await append(pool, 0, tenant, [(job, [e.RequestRepeated(clicks=2)])])
    code, words = command("status", database, nats)
    assert (code, words.splitlines()) == (
        0,
        ["partition 0  2 of 3  1 behind, nobody relays it", "Every stream is what the log says."],
    )


async def _head(pool: Pool) -> int:
    async with pool.acquire() as conn:
        return await read.head(conn, 0)


@pytest.mark.parametrize("how", ["purged", "deleted"])
async def test_a_running_relay_notices(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str, how: str
) -> None:
    await fill(pool, 0, tenant, 20)
    with process(database, nats) as relay:
        await assert_equal(pool, js)
        await astray(how, pool, js, tenant)
        assert f'"{how}"' in relay.hear(lambda line: "relay stopped" in line)
        assert command("resync", database, nats)[0] == 0
        relay.hear(lambda line: "relay goes on" in line)
        await fill(pool, 0, tenant, 20)
        await assert_equal(pool, js)


async def test_the_biggest_events_pass(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    """With every header there is; a page of them is bounded in bytes."""
    job = job_id()
    big = e.StageStarted(stage="x" * (DATA_MAX_BYTES - len('{"stage":""}')))
    await append(pool, 0, tenant, [(job, [*requested(job), TAKEN])])
    for _ in range(20):
        await append(pool, 0, tenant, [(job, [big])])
    async with pool.acquire() as conn:
        page = await Outgoing(0).page(conn, 0, 1000)
        assert PAGE_MAX_BYTES / 2 < sum(len(each.body) for each in page) < PAGE_MAX_BYTES + LINE_MAX_BYTES
    async with relaying(pool, database, nats, cloudevents=True):
        found = await assert_equal(pool, js)
    headers = found[-1].headers
    assert headers
    assert (headers["ce-specversion"], headers["ce-id"]) == ("1.0", f"0-{len(found)}")
    assert (headers["ce-source"], headers["ce-type"]) == (f"/tidings/{tenant}", "tidings.v1.StageStarted")
    assert (headers["ce-subject"], headers["ce-datacontenttype"]) == (job, "application/json")
    assert headers["ce-time"].encode() in found[-1].data


async def test_a_nats_for_small_messages_is_refused(database: str) -> None:
    with broker(max_payload="64KB") as small:
        refused = run(
            "serve", "--roles", "relay", TIDINGS_DATABASE_URL=database, TIDINGS_NATS_URL=small.url, TIDINGS_PORT="0"
        )
    assert refused.returncode == 2
    assert "max_payload: 2MB" in refused.stderr


async def test_streams_are_the_contracts_whoever_makes_them_first(js: JetStreamContext) -> None:
    await asyncio.gather(*(jetstream.ensure_streams(js, 2, first_positions={1: 100}) for _ in range(5)))
    names = {info.config.name for info in await js.streams_info()}
    assert names == {
        "TIDINGS_EVENTS_0", "TIDINGS_EVENTS_1", "TIDINGS_STATUS", "TIDINGS_COMMANDS", "TIDINGS_REJECTIONS",
        "TIDINGS_CHECKPOINTS",
    }  # fmt: skip
    status = (await js.stream_info("TIDINGS_STATUS")).config
    assert (status.max_msgs_per_subject, status.allow_msg_ttl) == (1, True)
    await js.update_stream(status.evolve(max_msgs_per_subject=5))
    await jetstream.ensure_streams(js, 2)
    assert (await js.stream_info("TIDINGS_STATUS")).config.max_msgs_per_subject == 1
    assert (await js.stream_info("TIDINGS_EVENTS_1")).config.first_seq == 100


async def test_a_client_hears_the_log_as_it_is(
    pool: Pool, database: str, nats: Broker, js: JetStreamContext, tenant: str
) -> None:
    """By the contract alone: sequence = position, so a reader can begin anywhere."""
    await fill(pool, 0, tenant, 10)
    async with relaying(pool, database, nats):
        head = await _head(pool)
        await messages(js, 0, head)
        fifth = await js.get_msg(NAME, 5)
    assert b'"position":5,' in (fifth.data or b"")
