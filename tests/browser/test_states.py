"""A job in each state, as a product's page embeds it: it says where it is, for everybody, and nothing is cut off."""

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.person import sees
from tests.browser.shop import Shop
from tests.browser.states import WAYS, bring_all
from tests.browser.test_looks import overflow, violations

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

OWNER = "ann-in-every-state"
SHOW = """(ids) => (document.querySelector("main").innerHTML = "<h1>Shop</h1><h2>Orders</h2>" +
  ids.map((id) => `<tidings-job id="${id}"></tidings-job>`).join(""))"""


@pytest.fixture(scope="module")
async def jobs(served: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    headers = {"Authorization": f"Bearer {served['api_key']}"}
    async with httpx.AsyncClient(base_url=served["url"], headers=headers, timeout=60) as http:
        yield await bring_all(http, OWNER)


@pytest.mark.parametrize(
    ("width", "scheme", "language"), [(1280, "light", "en"), (360, "dark", "en"), (360, "light", "de")]
)
async def test_each_state_is_for_everybody(
    browser: Browser, shop: Shop, jobs: dict[str, str], width: int, scheme: str, language: str
) -> None:
    shop.owner, shop.more, shop.language, shop.direction = OWNER, "", language, "ltr"
    async with await browser.new_context(viewport={"width": width, "height": 900}) as context:
        page = await context.new_page()
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        await page.goto(shop.url)
        await page.evaluate(SHOW, list(jobs.values()))
        rows = page.locator("tidings-job")
        for n, way in enumerate(WAYS.values()):
            await (
                sees(rows.nth(n), way.shows)
                if language == "en"
                else expect(rows.nth(n).locator(".ref")).to_be_visible()
            )
        assert await violations(page) == []
        assert await overflow(page) <= 0
        await page.goto(shop.url)
        panel = page.locator("tidings-jobs")
        await expect(panel.locator("button.row")).to_have_count(len(WAYS))
        assert await violations(page) == []
        assert await overflow(page) <= 0
