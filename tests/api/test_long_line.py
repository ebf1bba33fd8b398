"""A long line: what happens at its head writes a few rows, and tells the screens whose text changes.

`LINE_JOBS=100000 pytest tests/api/test_long_line.py` is the whole of it; the default shows the same sooner.
"""

import asyncio
import os

import pytest

from tests.api.client import EXPORT, Api
from tests.api.test_waits import begin, end, waiting

JOBS = int(os.environ.get("LINE_JOBS", "2000"))
BATCH = 1000
ROWS_MOST = 40  # of a start and an end, in all tables together

# Rows that the last transactions wrote, in the tables that have a row for each job. Reads them whole: a test may.
# That a job waits too long is an event and a state of its own, whatever happens at the head: these do not count.
_WRITTEN = """
    select 'events' as name, count(*) as rows from events where xmin::text::bigint >= $1
    union all select 'jobs', count(*) from jobs where xmin::text::bigint >= $1
    union all select 'delayed', -3 * count(*) from events
        where xmin::text::bigint >= $1 and convert_from(line, 'UTF8') like '%"JobDelayed"%'
    union all select 'queue', count(*) from queue where xmin::text::bigint >= $1
    union all select 'dedupe', count(*) from dedupe where xmin::text::bigint >= $1
    union all select 'waits_open', count(*) from waits_open where xmin::text::bigint >= $1"""
# What follows the log writes the rows of the jobs before a while after them.
_BEHIND = """select exists (
    select from heads left join checkpoints c on c.partition = heads.partition and c.projection = 'waits'
    where heads.position > coalesce(c.position, 0))"""
_NOW = "select pg_current_xact_id()::text::bigint"


async def fill(api: Api) -> list[str]:
    """A line of so many jobs. Answers the first, the hundredth and the last of them, as they are claimed."""
    order: list[tuple[str, str]] = []
    for first in range(0, JOBS, BATCH):
        jobs = [{"type": EXPORT, "owner": f"person-{n % 97}", "input": n} for n in range(first, first + BATCH)]
        alone = {"Connection": "close"}  # a kept one may be closed while this loop, the service's too, is busy
        answer = await api.http.post("/v1/jobs/batch", json={"jobs": jobs}, headers=alone, timeout=120)
        assert answer.status_code == 200, answer.text
        order += [(str(each["job"]["created_at"]), str(each["job"]["id"])) for each in answer.json()["answers"]]
    order.sort()
    return [order[place][1] for place in (0, 100, JOBS - 1)]


@pytest.mark.timeout(900)
async def test_a_change_at_the_head_rewrites_no_line_and_tells_no_screen_that_shows_the_same(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    _, hundredth, last = await fill(api)
    async with asyncio.timeout(120), api.stream(f"/v1/jobs/{last}/stream") as far:
        shown = (await anext(far)).data
        told = waiting(shown)["ahead"]
        async with api.stream(f"/v1/jobs/{hundredth}/stream") as near:
            assert waiting((await anext(near)).data)["ahead"] == 100
            async with asyncio.timeout(60):
                while await api.pool.fetchval(_BEHIND):
                    pass
            before = await api.pool.fetchval(_NOW)
            await end(api, await begin(api))
            heard = await anext(near)
            assert (heard.name, waiting(heard.data)["ahead"]) == ("wait", 99)
        written = {row["name"]: row["rows"] for row in await api.pool.fetch(_WRITTEN, before)}
        assert written["events"] >= 3  # it counts what is written
        assert sum(written.values()) <= ROWS_MOST, written
        await api.http.post(f"/v1/jobs/{last}/cancel")
        news = await anext(far)
        while news.name == "wait":  # only where what is told changed: the first may end its being "about" so many
            assert (waiting(news.data)["ahead"], news.data["wait"]) != (told, shown["wait"])
            told, shown = waiting(news.data)["ahead"], {**shown, **news.data}
            news = await anext(far)
        assert news.data["state"] == "canceled"
