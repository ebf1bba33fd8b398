"""A job in each state, as a product's page embeds it: it says where it is, for everybody, and nothing is cut off."""

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, expect

from schemas.messages import LANGUAGES
from tests.browser.person import sees
from tests.browser.shop import Shop
from tests.browser.states import WAYS, bring_all
from tests.browser.test_looks import is_for_everybody

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

OWNER = "ann-in-every-state"
SHOW = """(ids) => (document.querySelector("main").innerHTML = "<h1>Shop</h1><h2>Orders</h2>" +
  ids.map((id) => `<tidings-job id="${id}"></tidings-job>`).join(""))"""


@pytest.fixture(scope="module")
async def jobs(served: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    headers = {"Authorization": f"Bearer {served['api_key']}"}
    async with httpx.AsyncClient(base_url=served["url"], headers=headers, timeout=60) as http:
        yield await bring_all(http, OWNER)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_state_is_for_everybody(browser: Browser, shop: Shop, jobs: dict[str, str], language: str) -> None:
    shop.owner, shop.more, shop.language, shop.direction = OWNER, "", language, "ltr"
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate(SHOW, list(jobs.values()))
        rows = page.locator("tidings-job")
        for n, way in enumerate(WAYS.values()):
            await (
                sees(rows.nth(n), way.shows)
                if language == "en"
                else expect(rows.nth(n).locator(".ref")).to_be_visible()
            )
        await is_for_everybody(page)
        await page.goto(shop.url)
        panel = page.locator("tidings-jobs")
        await expect(panel.locator("button.row")).to_have_count(len(WAYS))
        await is_for_everybody(page)


DRAWS = """async (id) => {
  const create = document.createElement.bind(document);
  let draws = 0;
  document.createElement = (name) => ((draws += name === "template"), create(name));
  const row = create("tidings-job");
  row.id = id;
  document.body.append(row);
  while (!row.shadowRoot.querySelector(".card .title")) await new Promise(requestAnimationFrame);
  await new Promise((resolve) => setTimeout(resolve, 300));
  delete document.createElement;
  return draws;
}"""


async def test_a_row_that_is_known_already_is_drawn_once(browser: Browser, shop: Shop, jobs: dict[str, str]) -> None:
    shop.owner, shop.more, shop.language, shop.direction = OWNER, "", "en", "ltr"
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await expect(page.locator("tidings-jobs button.row")).to_have_count(len(WAYS))
        assert await page.evaluate(DRAWS, jobs["done"]) == 1


PAST = """([id, at]) => (document.querySelector("main").innerHTML =
  `<h1>Shop</h1><h2>Orders</h2><tidings-job id="${id}" at="${at}"></tidings-job>`)"""


async def test_a_past_moment_names_the_first_row_that_failed_by_then(
    browser: Browser, shop: Shop, jobs: dict[str, str], served: dict[str, str]
) -> None:
    shop.owner, shop.more, shop.language, shop.direction = OWNER, "", "en", "ltr"
    headers = {"Authorization": f"Bearer {served['api_key']}"}
    async with httpx.AsyncClient(base_url=served["url"], headers=headers) as http:
        told = (await http.get(f"/v1/jobs/{jobs['asking_items']}/events")).json()["events"]
    at = next(event["recorded_at"] for event in told if event["type"] == "ItemsFailed")
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(shop.url)
        await page.evaluate(PAST, [jobs["asking_items"], at])
        row = page.locator("tidings-job")
        await sees(row, "The job still runs.")
        assert await row.locator("td").all_text_contents() == ["17", "start_date", "is not a date"]
        await is_for_everybody(page)
