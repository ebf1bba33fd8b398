"""Old ranges leave the table and nothing is missed: every reader gives what it gave before, byte for byte."""

import asyncio
import gzip
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from eventstore import read
from eventstore.archive import read as archived
from eventstore.archive import write
from eventstore.archive.packed import BLOCK_LINES, Packer, unpacked
from eventstore.archive.write import Cutoffs, archive
from eventstore.audit import bundle, tiles
from eventstore.audit.checkpoints import Makers
from eventstore.audit.reading import Wanted, read_lines
from eventstore.audit.signed import Trust
from eventstore.audit.verify import verify
from eventstore.audit.walk import Kind
from eventstore.outgoing import Outgoing
from eventstore.postgres import Pool
from projections.rebuild import rebuild
from projections.status import read as screens
from projections.verify import verify as verify_projections
from schemas import events as e
from schemas.envelope import seal
from schemas.jobtypes import Definition
from services.archiving import ENDED_STATES, archive_all, cutoffs
from tests.conftest import ROOT, NewDatabase, Servers
from tests.store.archived import ALL, OTHER, TENANT, archive_some, as_superuser, log_of
from tests.store.logs import append, fill, job_id, requested, worked


@pytest.fixture
async def log(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Pool]:
    async with log_of(new_database, tmp_path) as pool:
        yield pool


async def rows_left(pool: Pool) -> int:
    return int(await pool.fetchval("select count(*) from events"))


async def streams_of(pool: Pool) -> list[tuple[str, str]]:
    rows = await pool.fetch("select tenant, id::text as id from jobs order by created_position")
    return [*((row["tenant"], row["id"]) for row in rows), (TENANT, f"tenant:{TENANT}"), (TENANT, "type:orders.export")]


async def picture(pool: Pool, streams: list[tuple[str, str]]) -> dict[str, object]:
    """What every reader answers, small pages and large ones."""
    seen: dict[str, object] = {}
    async with pool.acquire() as conn:
        head = await read.head(conn, 0)
        lines: list[bytes] = []
        for size in (7, 1000):
            lines = []
            while page := await read.read_lines(conn, 0, len(lines), size):
                lines += page
            seen[f"lines {size}"] = lines
        seen["types"] = await read.job_types(conn, 0, streams)
        assert seen["types"]
        seen["digests"] = await tiles.digests(conn, 0, 3, head - 2)
        for tenant, stream in streams:
            found: list[bytes] = []
            while more := await read.read_sealed(conn, 0, tenant, stream, len(found), 3):
                found += more
            seen[stream] = found
            seen[f"{stream} read"] = await read.read_stream(conn, 0, tenant, stream)
        for tenant, job in streams[::7]:
            if ":" in job:
                continue
            page_of = await screens.read_sealed(conn, 0, tenant, job, 0, 2)
            rest = await screens.read_sealed(conn, 0, tenant, job, 2, 1000)
            seen[f"{job} pages"] = (page_of, rest)
            moments = [each.recorded_at for each in await read.read_stream(conn, 0, tenant, job)]
            before = moments[0] - timedelta(seconds=1)
            seen[f"{job} at"] = [await screens.read_job_at(conn, 0, tenant, job, at) for at in (before, *moments)]
        seen["messages"] = await messages(conn, head)
        times = [json.loads(line)["recorded_at"] for line in lines]
        moments = sorted({datetime.fromisoformat(at) for at in times})
        seen["before"] = [await read.last_before(conn, 0, at) for at in (*moments[::3], moments[-1] + timedelta(1))]
    middle = json.loads(lines[len(lines) // 2])["recorded_at"]
    for name, wanted in {
        "own": Wanted(partition=0, tenant=TENANT),
        "stubs": Wanted(partition=0, tenant=TENANT, others=True),
        "job": Wanted(partition=0, tenant=TENANT, stream=streams[3][1]),
        "foreign": Wanted(partition=0, tenant=OTHER, stream=streams[3][1]),
        "event": Wanted(partition=0, tenant=TENANT, event_type="JobFinished"),
        "type": Wanted(partition=0, tenant=TENANT, job_type="orders.export"),
        "none": Wanted(partition=0, tenant=TENANT, job_type="no.such"),
        "since": Wanted(partition=0, tenant=TENANT, since=datetime.fromisoformat(middle)),
        "until": Wanted(partition=0, tenant=TENANT, until=datetime.fromisoformat(middle)),
    }.items():
        for after in (0, 5, head - 1):
            pages = [page async for page in read_lines(pool, wanted, after, head)]
            seen[f"audit {name} {after}"] = [line for page in pages for line in page]
    return seen


async def messages(conn: asyncpg.pool.PoolConnectionProxy, head: int) -> list[object]:
    """What the relay sends, from the first event on."""
    outgoing, after, found = Outgoing(0, remember=5), 0, list[object]()
    while after < head:
        page = await outgoing.page(conn, after, 50)
        after = page[-1].position
        found += page
    return found


async def is_whole(pool: Pool) -> None:
    assert (await verify(pool, Trust())).first_bad is None
    assert await verify_projections(pool) == []


@pytest.mark.parametrize("most", [1, 97, 10_000])
async def test_every_reader_gives_what_it_gave_before(log: Pool, most: int) -> None:
    streams = await streams_of(log)
    before, rows, head = await picture(log, streams), await rows_left(log), len(await log.fetch("select from events"))
    done = await archive_some(log, most, ranges=min(3, 10_000 // most) if most < 1000 else 1000)
    assert done
    assert [each.first for each in done] == [1, *(each.last + 1 for each in done[:-1])]
    assert await rows_left(log) == rows - sum(each.removed for each in done)
    assert await picture(log, streams) == before
    await is_whole(log)
    report = await verify(log, Trust())
    assert report.events == head


async def test_in_many_small_files(log: Pool) -> None:
    streams = await streams_of(log)
    before = await picture(log, streams)
    assert len(await archive_some(log, 37)) > 5
    assert await picture(log, streams) == before
    await is_whole(log)


async def test_a_rebuild_goes_through_the_archives(log: Pool) -> None:
    before = {table: await log.fetch(f"select * from {table} order by 1, 2, 3") for table in ("jobs", "queue", "items")}
    await archive_some(log, 100)
    await rebuild(log)
    assert {table: await log.fetch(f"select * from {table} order by 1, 2, 3") for table in before} == before
    await is_whole(log)


async def test_open_jobs_are_carried_along_and_leave_when_they_end(log: Pool) -> None:
    open_ = "select count(*) from jobs where state not in ('finished', 'canceled')"
    assert await log.fetchval(open_)
    await archive_some(log)
    kept = """select count(*) from jobs j where j.version <>
        (select count(*) from events e where e.stream = j.id::text) and j.state not in ('finished', 'canceled')"""
    assert await log.fetchval(kept) == 0
    gone = (
        "select count(*) from events e join jobs j on j.id::text = e.stream where j.state in ('finished', 'canceled')"
    )
    assert await log.fetchval(gone) == 0
    job, tenant, _ = await one_that_is(log, "queued")
    await append(log, 0, tenant, [(job, [e.CancelRequested(held=False), e.JobCanceled()])])
    streams = await streams_of(log)
    before = await picture(log, streams)
    await archive_some(log)
    assert await log.fetchval("select count(*) from events where stream = $1", job) == 0
    assert await picture(log, streams) == before
    await is_whole(log)


async def one_that_is(pool: Pool, state: str) -> tuple[str, str, int]:
    row = await pool.fetchrow("select id::text, tenant, version from jobs where state = $1 order by id limit 1", state)
    assert row
    return row[0], row[1], row[2]


async def test_an_archived_job_goes_on(log: Pool) -> None:
    """A retry of what was archived: its newest events stand in the table, the older ones in a file."""
    await archive_some(log, 100)
    job, tenant, version = await one_that_is(log, "canceled")
    await append(log, 0, tenant, [(job, [e.RequestRepeated(clicks=9)])])
    streams = await streams_of(log)
    before = await picture(log, streams)
    found = before[f"{job} read"]
    assert isinstance(found, list)
    assert [each.version for each in found] == list(range(1, version + 2))
    assert json.loads(await log.fetchval("select line from events where stream = $1", job))["version"] == version + 1
    await archive_some(log, 100)
    assert await picture(log, streams) == before
    await is_whole(log)


async def test_a_job_that_is_partly_carried_is_read_whole(log: Pool) -> None:
    """Its beginning is in a file, what came after its retry there and carried along, its newest events in the table."""
    await archive_some(log, 100)
    job, tenant, version = await one_that_is(log, "canceled")
    queued = e.JobQueued(run=2, ready_at="2026-01-01T00:00:00.000000Z")
    await append(log, 0, tenant, [(job, [e.RetryRequested(run=2, scope="all", plan=""), queued])])
    await archive_some(log, 100)
    assert await carried(log, job) == [version + 1, version + 2], "it is open now"
    await append(log, 0, tenant, [(job, [e.RequestRepeated(clicks=clicks) for clicks in (7, 8)])])
    assert await carried(log, job) == list(range(version + 1, version + 5))
    async with log.acquire() as conn:
        found = await read.read_stream(conn, 0, tenant, job)
        assert [each.version for each in found] == list(range(1, version + 5))
        now = await screens.read_job_at(conn, 0, tenant, job, datetime(9000, 1, 1, tzinfo=UTC))
        assert now
        assert now.version == version + 4
        page = await screens.read_sealed(conn, 0, tenant, job, 0, 100)
        assert (len(page.lines), page.next) == (version + 4, None)
    await is_whole(log)


async def test_a_carried_line_that_is_lost_is_read_from_its_file(log: Pool, servers: Servers) -> None:
    job = await log.fetchval("select id::text from jobs where state = 'queued' and version > 1 order by id limit 1")
    tenant = await log.fetchval("select tenant from jobs where id = $1::uuid", job)
    async with log.acquire() as conn:
        before = await read.read_sealed(conn, 0, tenant, job)
        await archive_some(log, 100)
        await as_superuser(log, servers, f"delete from events where stream = '{job}' and version = 2")
        found: list[bytes] = []
        while page := await read.read_sealed(conn, 0, tenant, job, len(found)):
            found += page
        assert found == before


@pytest.mark.parametrize("of_blocks", ["starts[2] = starts[1]", "starts[1] = starts[3]", "offsets[2] = offsets[1]"])
async def test_blocks_that_are_not_where_they_were_put_are_found(log: Pool, servers: Servers, of_blocks: str) -> None:
    """Each position has one block, or a reader that enters in the middle could be shown another one."""
    async with log.acquire() as conn:
        await fill(log, 0, TENANT, 4 * BLOCK_LINES // 5, 77)
        assert await archive(conn, 0, ALL, ENDED_STATES, 10_000)
    assert await log.fetchval("select cardinality(starts) from archives") > 3
    await as_superuser(log, servers, f"update archives set {of_blocks}")
    bad = (await verify(log, Trust())).first_bad
    assert bad
    assert "blocks" in bad.detail


async def carried(pool: Pool, job: str) -> list[int]:
    return [row["version"] for row in await pool.fetch("select version from events where stream = $1 order by 1", job)]


async def test_the_newest_line_of_a_tenants_own_stream_stays(log: Pool) -> None:
    await archive_some(log)
    rows = await log.fetch("select stream, version from events where strpos(stream, ':') > 0 order by stream")
    assert [tuple(row) for row in rows] == [(f"tenant:{TENANT}", 6), ("type:orders.export", 1)]


async def test_keys_outlive_their_lines(log: Pool) -> None:
    before = await log.fetch("select * from dedupe order by key")
    await archive_some(log)
    assert await log.fetch("select * from dedupe order by key") == before


async def test_a_proof_of_an_archived_job_is_the_same(log: Pool) -> None:
    makers = Makers(log, 1, None)
    (older,) = await makers.make()
    job = job_id()
    await append(log, 0, TENANT, [(job, [*requested(job), *worked()])])
    await fill(log, 0, TENANT, 50, 9)
    (checkpoint,) = await makers.make()
    key = await makers.public_key()

    async def proved() -> bundle.Bundle:
        async with log.acquire() as conn:
            return await bundle.make(conn, checkpoint, key, TENANT, job, older.note)

    before = await proved()
    await archive_some(log, 150)
    assert await proved() == before
    fresh = Makers(log, 1, None)
    await append(log, 0, TENANT, [(job_id(), requested(job_id()))])
    await fresh.make()
    await is_whole(log)


async def test_a_range_ends_where_its_time_does(log: Pool) -> None:
    moments = [row["recorded_at"] for row in await log.fetch("select recorded_at from events order by position")]
    until = moments[len(moments) // 2]
    done = await archive_some(log, limits=Cutoffs(until))
    last = max(n for n, at in enumerate(moments, 1) if at <= until)
    assert [(each.first, each.last) for each in done] == [(1, last)]
    early = await log.fetchval("select count(*) from events where position <= $1", last)
    assert early > 0  # of jobs that ended after it
    await is_whole(log)


async def test_each_type_is_kept_as_long_as_it_says(log: Pool) -> None:
    await define(log, "orders.export", Definition(title="Export", keep=3600))
    async with log.acquire() as conn:
        limits = await cutoffs(conn, 0, None)
    (named,) = limits.named
    assert (limits.others, named[:2]) == (None, (TENANT, "orders.export"))
    assert await archive_some(log, limits=limits) == []  # nothing is an hour old
    await define(log, "orders.export", Definition(title="Export", keep=1e-6))
    before = await rows_left(log)
    done = await archive_all(log, [0], None, 100)
    assert done
    assert await rows_left(log) == before - sum(each.removed for each in done)
    ended = "select count(*) from jobs j join events e on e.stream = j.id::text where tenant_is and j.state = any ($1)"
    own = ended.replace("tenant_is", f"j.tenant = '{TENANT}'")
    other = ended.replace("tenant_is", f"j.tenant = '{OTHER}'")
    assert await log.fetchval(own, ENDED_STATES) == 0
    assert await log.fetchval(other, ENDED_STATES) > 0  # that tenant's type says nothing, and neither does the setting
    await is_whole(log)


async def define(pool: Pool, name: str, kind: Definition) -> None:
    await append(pool, 0, TENANT, [(f"type:{name}", [e.JobTypeDefined(name=name, definition=kind)])])


async def test_nobody_but_the_archiver_removes_a_line(log: Pool) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await log.execute("delete from events")
    done = await archive_some(log, 100, ranges=1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await log.execute("delete from events where position > $1", done[0].last)
    for attack in ("update archives set last = 5", "delete from archives", "truncate archives"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await log.execute(attack)


async def test_room_is_given_back(new_database: NewDatabase, tmp_path: Path) -> None:
    async with log_of(new_database, tmp_path, jobs=2400) as pool:
        size = "select pg_total_relation_size('events')"
        before = await pool.fetchval(size)
        done = await archive_all(pool, [0], 0, 1000, compact=True)
        packed = sum(each.size for each in done)
        async with asyncio.timeout(60):
            while await pool.fetchval(size) >= before * 0.8:  # an analyze beside it keeps what it may still look at
                await archive_all(pool, [0], 0, 1000, compact=True)
        assert packed < before / 4
        await is_whole(pool)


async def test_a_damaged_log_is_not_archived(new_database: NewDatabase, tmp_path: Path, servers: Servers) -> None:
    async with log_of(new_database, tmp_path, 24) as pool:
        await as_superuser(pool, servers, "update events set line = line || ' ' where position = 20")
        with pytest.raises(write.Damaged):
            await archive_some(pool)
        assert await pool.fetchval("select count(*) from archives") == 0
        await as_superuser(pool, servers, "delete from events where position = 10")
        with pytest.raises(write.Damaged):
            await archive_some(pool)


async def test_a_file_is_read_by_everybody(log: Pool, tmp_path: Path) -> None:
    """One gzip file of sealed lines, as they are exported."""
    rows = await log.fetch("select line, hash from events order by position")
    done = await archive_some(log, 150)
    content = b"".join(gzip.decompress((tmp_path / each.name).read_bytes()) for each in done)
    assert content.splitlines() == [seal(row["line"], row["hash"]) for row in rows]


def forged(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """One line with other words in it, its hash as it was."""
    n = chance.randrange(len(lines))
    changed = lines[n].replace(b'"actor":{"kind":"system"', b'"actor":{"kind":"worker"')
    return [*lines[:n], changed, *lines[n + 1 :]]


Change = Callable[[list[bytes], random.Random], list[bytes]]
LINES: dict[str, Change] = {
    "edited": forged,
    "removed": lambda lines, _: lines[:-1],
    "swapped": lambda lines, _: [lines[1], lines[0], *lines[2:]],
    "doubled": lambda lines, _: [lines[0], *lines],
    "emptied": lambda _, __: [],
    "no line": lambda lines, _: [b"x" * 200, *lines[1:]],
}


@pytest.mark.parametrize("change", LINES)
async def test_changed_lines_in_a_file_are_found_and_the_file_is_named(log: Pool, tmp_path: Path, change: str) -> None:
    done = await archive_some(log, 90)
    victim = tmp_path / done[1].name
    chance = random.Random(change)
    lines = LINES[change](gzip.decompress(victim.read_bytes()).splitlines(), chance)
    packed = gzip.compress(b"".join(line + b"\n" for line in lines), 6, mtime=0)
    whole = victim.stat().st_size
    victim.write_bytes(packed[:whole].ljust(whole, b"\0") if change == "emptied" else packed)
    bad = (await verify(log, Trust())).first_bad
    assert bad
    assert done[1].name in bad.detail
    assert done[1].first <= bad.position <= done[1].last + 1


async def test_a_lost_or_torn_file_is_found(log: Pool, tmp_path: Path) -> None:
    done = await archive_some(log, 90)
    victim = tmp_path / done[2].name
    content = victim.read_bytes()
    for broken in (content[:-20], content[:40] + b"zzzz" + content[44:], b"", None):
        if broken is None:
            victim.unlink()
        else:
            victim.write_bytes(broken)
        bad = (await verify(log, Trust())).first_bad
        assert bad
        assert (bad.kind, bad.position) == (Kind.MISSING, done[2].first)
        assert done[2].name in bad.detail
    victim.write_bytes(content)
    assert (await verify(log, Trust())).ok


async def test_a_changed_copy_of_a_carried_line_is_found(
    new_database: NewDatabase, tmp_path: Path, servers: Servers
) -> None:
    async with log_of(new_database, tmp_path) as pool:
        await archive_some(pool, 90)
        position = await pool.fetchval("select position from events order by position offset 3 limit 1")
        await as_superuser(pool, servers, f"update events set actor = 'user:eve' where position = {position}")
        bad = (await verify(pool, Trust())).first_bad
        assert bad
        assert (bad.kind, bad.position) == (Kind.EDITED, position)


POINTS = ["after_file", "before_release", "before_commit", "after_commit"]


@pytest.mark.parametrize("point", POINTS)
async def test_whatever_dies_on_the_way_nothing_is_lost(
    new_database: NewDatabase, tmp_path: Path, servers: Servers, point: str
) -> None:
    """Killed in the first file, and in the third; what is done by then is done, and the next try does the rest."""
    async with log_of(new_database, tmp_path) as pool:
        dsn = servers.database_url.rpartition("/")[0] + f"/{await pool.fetchval('select current_database()')}"
        streams = await streams_of(pool)
        before = await picture(pool, streams)
        for times in (1, 2):
            killed = await once(dsn, TIDINGS_CRASH_AT=f"archive.{point}:{times}")
            assert killed == -signal.SIGKILL
            assert await picture(pool, streams) == before
            await is_whole(pool)
        assert await once(dsn) == 0
        assert await picture(pool, streams) == before
        await is_whole(pool)
        ended = "select count(*) from events e join jobs j on j.id::text = e.stream where j.state = any ($1)"
        assert await pool.fetchval(ended, ENDED_STATES) == 0


async def once(dsn: str, **env: str) -> int:
    """How a process that archives ended."""
    command = [sys.executable, "-m", "tests.store.archive_once", dsn, "90"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **env})
    return await process.wait()


async def test_archiving_goes_on_beside_appends_and_readers(log: Pool) -> None:
    """What is read while ranges leave is never short of a line."""
    lines = (await picture(log, await streams_of(log)))["lines 1000"]
    assert isinstance(lines, list)
    stop = asyncio.Event()

    async def reading() -> int:
        rounds = 0
        while not stop.is_set() or rounds < 2:
            async with log.acquire() as conn:
                found: list[bytes] = []
                while page := await read.read_lines(conn, 0, len(found), 60):
                    found += page
            assert found[: len(lines)] == lines
            rounds += 1
        return rounds

    reader = asyncio.create_task(reading())
    for _ in range(4):
        await archive_some(log, 70, ranges=2)
        await fill(log, 0, TENANT, 10, 3)
    stop.set()
    assert await reader >= 2
    await is_whole(log)


async def test_a_forgotten_archive_is_a_gap(new_database: NewDatabase, tmp_path: Path, servers: Servers) -> None:
    async with log_of(new_database, tmp_path) as pool:
        done = await archive_some(pool, 90)
        await as_superuser(pool, servers, f"delete from archives where first = {done[1].first}")
        bad = (await verify(pool, Trust())).first_bad
        assert bad
        assert (bad.kind, bad.position) == (Kind.MISSING, done[1].first)


async def test_blocks_are_cut_by_lines_and_by_bytes() -> None:
    pack = Packer(11)
    content = b"".join(pack.add(b'{"n":%d}' % n, bytes(32)) for n in range(2500)) + pack.block()
    assert pack.starts == [11, 11 + BLOCK_LINES, 11 + 2 * BLOCK_LINES]
    assert (pack.offsets[0], pack.size) == (0, len(content))
    assert len(gzip.decompress(content).splitlines()) == 2500
    large = Packer(1)
    for _ in range(10):
        large.add(b'{"n":"' + b"x" * 1_000_000 + b'"}', bytes(32))
    large.block()
    assert large.starts == [1, 6]
    with pytest.raises(Exception, match="can't be read"):
        unpacked("name", b"no gzip", 1, 1)


async def test_without_archives_nothing_is_looked_for(log: Pool) -> None:
    async with log.acquire() as conn:
        assert await archived.upto(conn, 0) == 0
        assert await archived.page(conn, 0, 0, 10) == []
        assert await archived.of_stream(conn, 0, TENANT, job_id(), 0, 10) == []
