"""What operators look at first: right, and counted once for all who look at the same time."""

import asyncio

from eventstore.postgres import Pool
from services.api.looks import Overviews
from services.archiving import archive_all
from tests.api.client import EXPORT, Api, Json


async def kind(api: Api) -> Json:
    (found,) = (await api.http.get("/v1/overview")).json()["types"]
    return dict(found)


async def test_it_counts_what_waits_and_runs(api: Api) -> None:
    await api.define(lease=3600)
    for n in range(3):
        await api.job(input={"n": n})
    await api.job(input={"n": 3}, not_before="2099-01-01T00:00:00Z")
    await api.claim()
    found = await kind(api)
    assert (found["type"], found["waiting"], found["later"], found["running"]) == (EXPORT, 2, 1, 1)
    assert float(str(found["oldest_s"])) > 0


async def test_what_finished_a_moment_ago_still_counts_when_its_lines_are_archived(api: Api, pool: Pool) -> None:
    await api.define()
    for n in range(3):
        await api.finished(input={"n": n})
    async with asyncio.timeout(20):
        while (await kind(api))["finished"] != 3:
            """It follows the log by a moment."""
    assert any(made.removed for made in await archive_all(pool, [0], 0, 10_000))
    assert (
        await pool.fetchval("select count(*) from events where tenant = $1 and type = 'JobFinished'", api.tenant) == 0
    )
    assert (await Overviews(pool).now(0, api.tenant)).types[0].finished == 3


async def test_all_who_ask_at_once_share_one_look(api: Api, pool: Pool) -> None:
    await api.define()
    await api.job()
    overviews = Overviews(pool)
    first, *more = await asyncio.gather(*(overviews.now(0, api.tenant) for _ in range(8)))
    assert all(found is first for found in more)
    assert first.types[0].waiting == 1


async def test_a_look_does_not_hold_for_long(api: Api) -> None:
    await api.define()
    assert (await kind(api))["waiting"] == 0
    await api.job()
    while (await kind(api))["waiting"] != 1:
        """The next one that asks looks again, once the last look has had its time."""
