"""The console before 100,000 jobs: it draws what is seen, the service searches by its indexes, and many are touched."""

import json
import os
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from projections.status.read import _NAMED_JOBS, _WALKS, LAST, WALK_MAX
from tests.browser.person import sees
from tests.e2e.processes import stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("browser"), pytest.mark.timeout(900)]

JOBS = int(os.environ.get("CONSOLE_JOBS", "100000"))
BATCH = 1000
DRAWN_MAX = 40
KINDS = ("reports.build", "mail.send")


@pytest.fixture(scope="module")
async def ready(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    """A stack with so many jobs, all waiting."""
    with stack(tmp_path_factory.mktemp("many") / "stack", "--no-demo") as running:
        headers = {"Authorization": f"Bearer {running.ready['api_key']}"}
        async with httpx.AsyncClient(base_url=running.ready["url"], headers=headers, timeout=120) as http:
            for name in KINDS:
                (await http.put(f"/v1/types/{name}", json={"title": "Report"})).raise_for_status()
            for first in range(0, JOBS, BATCH):
                jobs = [wish(n) for n in range(first, first + BATCH)]
                while (answer := await http.post("/v1/jobs/batch", json={"jobs": jobs})).status_code == 503:
                    print(answer.json()["detail"])  # busy for a moment: the same again does no harm
                answer.raise_for_status()
        yield running.ready


def wish(n: int) -> dict[str, object]:
    title = f"Report {n} of region {n % 53}"
    return {"type": KINDS[n % 2], "owner": f"person-{n % 997}", "title": title, "input": {"n": n}}


@pytest.fixture
async def console(browser: Browser, ready: dict[str, str]) -> AsyncIterator[Page]:
    async with await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}) as context:
        page = await context.new_page()
        await page.goto(ready["url"])
        await page.locator("#key").fill(ready["api_key"])
        await page.locator("#enter button").click()
        await expect(page.locator("[data-open]").first).to_be_visible()
        yield page


async def test_the_first_screen_counts_them_all(console: Page, ready: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {ready['api_key']}"}
    async with httpx.AsyncClient(base_url=ready["url"], headers=headers, timeout=60) as http:
        began = time.monotonic()
        kinds = (await http.get("/v1/overview")).json()["types"]
        print(f"\ncounted in {time.monotonic() - began:.3f} s")
    counted = sum(kind["waiting"] for kind in kinds)
    await sees(console.locator("#overview .sum"), f"{counted:,}")
    assert counted > JOBS - 1000  # other tests cancel a few of them


async def test_each_keystroke_finds_by_an_index(console: Page) -> None:
    box = console.locator("[name=q]")
    began = time.monotonic()
    await box.press_sequentially(f"Report {JOBS - 3} of")
    await expect(console.locator("[data-open]")).to_have_count(1)
    print(f"\ntyped and found in {time.monotonic() - began:.2f} s")
    await sees(console.locator("#list"), f"Report {JOBS - 3} of region")
    began = time.monotonic()
    await box.fill("Report 3 of region 3")  # nearly the oldest: the list walks back to it by itself
    await sees(console.locator("#list"), "Report 3 of region 3")
    await expect(console.locator("[data-open]")).to_have_count(1)
    print(f"the oldest found in {time.monotonic() - began:.2f} s")
    ref = (await console.locator("[data-open] span").last.inner_text()).split(" · ")[0]
    await box.fill("nobody wrote this")
    await sees(console.locator("#list"), "No job matches.")
    began = time.monotonic()
    await box.fill(ref)
    await sees(console.locator("#list"), "Report 3 of region 3")
    print(f"a ref found in {time.monotonic() - began:.2f} s")


async def test_only_what_is_seen_is_drawn(console: Page) -> None:
    rows = console.locator("[data-open]")
    known = "(list) => Math.round(list.firstElementChild.offsetHeight / 76)"
    while await console.locator("#list").evaluate(known) < 1500:
        await console.locator("#list").evaluate("(list) => (list.scrollTop = list.scrollHeight)")
        assert 0 < await rows.count() <= DRAWN_MAX
    await console.locator("[name=owner]").fill("person-5")
    await sees(console.locator("#list"), "person-5 ·")
    assert await rows.count() <= DRAWN_MAX


async def test_all_that_match_are_canceled_after_a_look(console: Page, ready: dict[str, str]) -> None:
    await console.locator("[name=owner]").fill("person-7")
    await sees(console.locator("#list"), "person-7 ·")
    headers = {"Authorization": f"Bearer {ready['api_key']}"}
    async with httpx.AsyncClient(base_url=ready["url"], headers=headers, timeout=60) as http:
        asked = {"owner": "person-7", "limit": "200"}
        open_ = len((await http.get("/v1/jobs", params=asked)).json()["jobs"])
        await console.locator("[data-do=all]").click()
        await sees(console.locator("#bulk"), f"{open_} picked")
        await console.locator("[data-do=cancel]").click()
        await sees(console.locator(".plan"), f"{open_} of the {open_} picked")
        await console.locator("[data-do=go]").click()
        await sees(console.locator("#bulk"), f"Done: {open_} of {open_}.")
        left = (await http.get("/v1/jobs", params={**asked, "state": "queued"})).json()["jobs"]
    assert left == []


async def test_no_query_of_the_list_reads_a_whole_table(ready: dict[str, str]) -> None:
    conn = await asyncpg.connect(ready["database_url"])
    try:
        await conn.execute("analyze jobs")
        page = (0, "default", None, None, "%7 of region%", LAST, 101, WALK_MAX)
        for place, value in (("tenant", ()), ("owner", ("person-5",)), ("state", ("queued",))):
            walk, walked = _WALKS[place]
            await by_an_index(conn, walk, *page, *value)
            await by_an_index(conn, walked, 0, "default", LAST, WALK_MAX - 1, *value)
        await by_an_index(conn, _NAMED_JOBS, 0, "default", None, None, None, "RE-00000000", None, LAST, 101)
    finally:
        await conn.close()


async def by_an_index(conn: asyncpg.Connection, sql: str, *values: object) -> None:
    found = await conn.fetchval(f"explain (format json, analyze) {sql}", *values)
    assert "Seq Scan" not in found, found
    print(f"{json.loads(found)[0]['Execution Time']:.1f} ms", sql.split("\n", 1)[0])
