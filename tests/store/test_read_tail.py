"""Reads are complete and in order; a tail delivers every event once, in order, whoever appended it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventstore import read
from eventstore import tail as tail_module
from eventstore import wake as wake_module
from eventstore.postgres import Connection, Pool, open_pool
from eventstore.tail import Tail
from eventstore.wake import CHANNEL, Wakeups
from schemas import events as e
from schemas.envelope import Recorded, decode
from tests.background import beside
from tests.conftest import Servers
from tests.store.logs import append, fill, job_id, requested
from tests.store.network import network

WAIT_S = 10


async def test_a_moment_has_its_place_in_the_log(pool: Pool, partition: int, tenant: str) -> None:
    await fill(pool, partition, tenant, 30)
    async with pool.acquire() as conn:
        recorded = await read.read(conn, partition, 0, 100_000)
        for each in recorded[:: max(1, len(recorded) // 25)]:
            earlier = [other.position for other in recorded if other.recorded_at < each.recorded_at]
            assert await read.last_before(conn, partition, each.recorded_at) == max(earlier, default=0)
        assert await read.last_before(conn, partition, datetime(2000, 1, 1, tzinfo=UTC)) == 0
        assert await read.last_before(conn, partition, datetime(2100, 1, 1, tzinfo=UTC)) == recorded[-1].position


class Seen:
    """A subscriber that can be waited for."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self._more = asyncio.Event()

    def __call__(self, recorded: Sequence[Recorded]) -> None:
        self.positions += [each.position for each in recorded]
        self._more.set()

    async def until(self, position: int) -> list[int]:
        async with asyncio.timeout(WAIT_S):
            while not self.positions or self.positions[-1] < position:
                await self._more.wait()
                self._more.clear()
        return self.positions


@asynccontextmanager
async def running(*parts: Tail | Wakeups) -> AsyncIterator[None]:
    async with beside(*(part.run() for part in parts)):
        yield


@pytest.fixture(scope="module", params=[1, 4])
def partitions(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def partition(partitions: int) -> int:
    return partitions - 1


async def test_pages_by_position_are_complete(pool: Pool, partition: int, tenant: str) -> None:
    async with pool.acquire() as conn:
        start = await read.head(conn, partition)
        await fill(pool, partition, tenant, 20)
        end = (await read.heads(conn))[partition]
        found: list[int] = []
        after = start
        while page := await read.read(conn, partition, after, 7):
            found += [each.position for each in page]
            after = found[-1]
    assert found == list(range(start + 1, end + 1))


async def test_a_stream_reads_decoded_and_sealed_alike(pool: Pool, partition: int, tenant: str) -> None:
    job = job_id()
    await append(pool, partition, tenant, [(job, requested(job)), (job, [e.RequestRepeated(clicks=2)])])
    async with pool.acquire() as conn:
        whole = await read.read_stream(conn, partition, tenant, job)
        assert [each.type for each in whole] == ["JobRequested", "JobQueued", "RequestRepeated"]
        assert await read.read_stream(conn, partition, tenant, job, 1, 1) == whole[1:2]
        assert await read.read_stream(conn, partition, "other", job) == []
        sealed = await read.read_sealed(conn, partition, tenant, job)
        assert [decode(each) for each in sealed] == whole
        rows = await conn.fetch("select line, hash from events where tenant = $1 order by position", tenant)
        assert sealed == [row["line"][:-1] + f',"hash":"{row["hash"].hex()}"}}'.encode() for row in rows]
        streams = [(tenant, job), (tenant, job_id())]
        begun = whole[0].data
        assert isinstance(begun, e.JobRequested)
        assert await read.job_types(conn, partition, streams) == {(tenant, job): begun.type}


async def test_what_is_fed_arrives_at_once(pool: Pool, partition: int, tenant: str) -> None:
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()
    tail.subscribe(seen)
    recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
    tail.feed(recorded)
    assert seen.positions == [each.position for each in recorded]
    tail.feed(recorded)
    assert len(seen.positions) == len(recorded)


async def test_gaps_are_read_from_the_log(pool: Pool, partition: int, tenant: str) -> None:
    """Another process appended in between; a page is smaller than the gap."""
    tail, seen = Tail(pool, partition, page=3), Seen()
    await tail.start()
    start = tail.position
    tail.subscribe(seen)
    await fill(pool, partition, tenant, 10)
    last = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
    async with running(tail):
        tail.feed(last)
        assert await seen.until(last[-1].position) == list(range(start + 1, last[-1].position + 1))


RETYPE = """update events set line = convert_to(replace(convert_from(line, 'utf8'), $3::text, $4::text), 'utf8')
    where partition = $1 and position = any ($2::bigint[])"""


async def test_an_event_of_a_newer_version_stops_nobody_who_watches(
    pool: Pool, partition: int, tenant: str, servers: Servers, database: str
) -> None:
    """As while two versions run side by side: the older one tells of all that it knows."""
    tail, seen = Tail(pool, partition, page=3), Seen()
    await tail.start()
    start = tail.position
    tail.subscribe(seen)
    await fill(pool, partition, tenant, 6)
    async with pool.acquire() as conn:
        end = await read.head(conn, partition)
        unknown = [each.position for each in await read.read(conn, partition, start) if each.type == "JobQueued"]
    assert unknown
    admin = await asyncpg.connect(urlsplit(servers.admin_database_url)._replace(path=urlsplit(database).path).geturl())
    old, new = '"type":"JobQueued","schema"', '"type":"FromTomorrow","schema"'
    try:
        await admin.execute(RETYPE, partition, unknown, old, new)
        async with running(tail):
            tail.wake(end)
            assert await seen.until(max({*range(start, end + 1)} - {*unknown})) == [
                n for n in range(start + 1, end + 1) if n not in unknown
            ]
        assert tail.position == end
    finally:
        await admin.execute(RETYPE, partition, unknown, new, old)
        await admin.close()


async def test_feeds_and_wakes_in_any_order_give_each_event_once(pool: Pool, partition: int, tenant: str) -> None:
    tail, seen = Tail(pool, partition, page=2), Seen()
    await tail.start()
    start = tail.position
    tail.subscribe(seen)
    recorded: list[Recorded] = []
    async with running(tail):
        for n in range(12):
            recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
            if n % 3 != 1:
                tail.feed(recorded)
            if n % 3 != 0:
                tail.wake(recorded[-1].position)
        assert await seen.until(recorded[-1].position) == list(range(start + 1, recorded[-1].position + 1))


async def test_a_failing_subscriber_harms_nobody(pool: Pool, partition: int, tenant: str) -> None:
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()

    def fail(_: Sequence[Recorded]) -> None:
        raise ValueError("a bug")

    stop = tail.subscribe(fail)
    stop_seen = tail.subscribe(seen)
    recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
    tail.feed(recorded)
    assert seen.positions == [each.position for each in recorded]
    stop()
    stop()
    stop_seen()
    tail.feed(await append(pool, partition, tenant, [(job, [e.RequestRepeated(clicks=2)])]))
    assert len(seen.positions) == len(recorded)


async def test_a_bogus_announcement_is_forgotten(pool: Pool, partition: int, tenant: str) -> None:
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()
    tail.subscribe(seen)
    async with running(tail):
        tail.wake(tail.position + 1_000_000)
        recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
        tail.wake(recorded[-1].position)
        assert await seen.until(recorded[-1].position) == [each.position for each in recorded]


async def test_a_wake_up_during_a_look_that_found_nothing_is_kept(
    pool: Pool, partition: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was read before the commit that the wake-up tells of; no other look comes."""
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()
    tail.subscribe(seen)
    recorded: list[Recorded] = []
    really = read.read_known

    async def read_before(conn: Connection, of: int, after: int, limit: int) -> tuple[list[Recorded], int]:
        page = await really(conn, of, after, limit)
        if not recorded:
            recorded.extend(await append(pool, partition, tenant, [(job := job_id(), requested(job))]))
            tail.wake(recorded[-1].position)
        return page

    monkeypatch.setattr(read, "read_known", read_before)
    position = tail.position
    async with running(tail):
        tail.wake(position + 1_000_000)
        await seen.until(position + 2)
    assert seen.positions == [each.position for each in recorded]


async def test_another_process_hears_of_an_append(database: str, pool: Pool, partition: int, tenant: str) -> None:
    """Long before the net's look: only the announcement can have done it."""
    here, there = Tail(pool, partition), Tail(pool, partition)
    seen = Seen()
    for tail in (here, there):
        await tail.start()
    there.subscribe(seen)
    announcer = Wakeups(database, pool, {partition: here}, net_s=3600)
    listener = Wakeups(database, pool, {partition: there}, net_s=3600)
    async with running(here, there, announcer, listener):
        await asyncio.gather(announcer.linked.wait(), listener.linked.wait())
        recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
        here.feed(recorded)
        announcer.appended(partition, recorded[-1].position)
        assert await seen.until(recorded[-1].position) == [each.position for each in recorded]


async def test_a_burst_is_told_in_few_announcements(database: str, pool: Pool, partition: int) -> None:
    tail = Tail(pool, partition)
    await tail.start()
    wakeups = Wakeups(database, pool, {partition: tail}, net_s=3600)
    heard: list[str] = []
    last = asyncio.Event()

    def hear(_conn: object, _pid: int, _channel: str, payload: object) -> None:
        heard.append(str(payload))
        if heard[-1] == f"{partition}:999":
            last.set()

    listener = await asyncpg.connect(database)
    await listener.add_listener(CHANNEL, hear)
    async with running(wakeups), asyncio.timeout(WAIT_S):
        await wakeups.linked.wait()
        for position in range(1000):
            wakeups.appended(partition, position)
        await last.wait()
    await listener.close()
    assert heard == [f"{partition}:999"]


async def test_the_net_catches_a_lost_announcement(database: str, pool: Pool, partition: int, tenant: str) -> None:
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()
    tail.subscribe(seen)
    async with running(tail, Wakeups(database, pool, {partition: tail}, net_s=0.05)):
        recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
        assert await seen.until(recorded[-1].position) == [each.position for each in recorded]


async def test_cut_connections_are_made_anew(
    servers: Servers, database: str, pool: Pool, partition: int, tenant: str
) -> None:
    """Every connection to the database is cut: the listener links again and nothing is missed."""
    tail, seen = Tail(pool, partition), Seen()
    await tail.start()
    tail.subscribe(seen)
    wakeups = Wakeups(database, pool, {partition: tail}, net_s=3600)
    admin = await asyncpg.connect(servers.admin_database_url)
    async with running(tail, wakeups), asyncio.timeout(WAIT_S):
        await wakeups.linked.wait()
        wakeups.linked.clear()
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", database.rpartition("/")[2]
        )
        await wakeups.linked.wait()
        recorded = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
        wakeups.appended(partition, recorded[-1].position)
        assert await seen.until(recorded[-1].position) == [each.position for each in recorded]
    await admin.close()


async def test_an_outage_is_waited_for(
    database: str, pool: Pool, partition: int, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network is cut, events come meanwhile from elsewhere, it is mended: all arrive, once and in order."""
    noticed = [asyncio.Event(), asyncio.Event()]
    monkeypatch.setattr(tail_module, "pauses", lambda: telling(noticed[0]))
    monkeypatch.setattr(wake_module, "pauses", lambda: telling(noticed[1]))
    async with network(database) as net, await open_pool(net.url, 2) as through:
        tail, seen = Tail(through, partition), Seen()
        await tail.start()
        start = tail.position
        tail.subscribe(seen)
        wakeups = Wakeups(net.url, through, {partition: tail}, net_s=0.01)
        async with running(tail, wakeups), asyncio.timeout(WAIT_S):
            await wakeups.linked.wait()
            net.cut()
            last = await append(pool, partition, tenant, [(job := job_id(), requested(job))])
            tail.wake(last[-1].position)
            await asyncio.gather(*(each.wait() for each in noticed))
            await net.mend()
            assert await seen.until(last[-1].position) == list(range(start + 1, last[-1].position + 1))
            await wakeups.linked.wait()


def telling(noticed: asyncio.Event) -> Iterator[float]:
    """Pauses that tell when one is taken."""
    while True:
        noticed.set()
        yield 0.01
