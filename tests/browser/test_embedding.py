"""One script tag on a product's own page, on another origin: it starts, follows and finds its job like any other."""

from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.person import Person, sees
from tests.browser.shop import Shop
from tests.browser.test_looks import overflow, violations

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]


async def visits(person: Person, shop: Shop, **more: str) -> Page:
    """A page of the shop, for somebody who has no jobs yet."""
    shop.owner = f"ann-{uuid4()}"
    shop.more, shop.language, shop.direction = more.get("more", ""), more.get("lang", "en"), more.get("dir", "ltr")
    page = await person.context.new_page()
    page.on("pageerror", lambda error: person.errors.append(str(error)))
    # The demo's types come with its first visitor.
    await person.http.post("/demo/visit")
    await page.goto(shop.url)
    return page


async def test_a_product_embeds_it_with_one_tag(person: Person, shop: Shop) -> None:
    page = await visits(person, shop)
    button = page.locator("tidings-button").locator("button.main")
    await expect(button).to_have_text("Export")
    await button.dblclick()
    await sees(page.locator("tidings-button + tidings-job"), "Finished")
    await sees(page.locator("tidings-jobs"), "Your file is ready to download")
    await page.reload()
    await expect(button).to_have_text("View status")
    jobs = (await person.http.get("/v1/jobs", params={"owner": shop.owner})).json()["jobs"]
    assert len(jobs) == 1
    assert not person.errors


async def test_its_colours_direction_and_language_are_the_products(person: Person, shop: Shop) -> None:
    page = await visits(person, shop, lang="de", dir="rtl")
    await page.set_viewport_size({"width": 360, "height": 800})
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        await page.locator("tidings-button").locator("button.main").click()
        await sees(page.locator("tidings-button + tidings-job"), "Ihre Datei kann heruntergeladen werden")
        color = "(node) => getComputedStyle(node).color"
        accent = "rgb(138, 28, 91)" if scheme == "light" else "rgb(255, 179, 221)"
        assert await page.locator("tidings-button").locator("button.started").evaluate(color) == accent
        assert await violations(page) == []
        assert await overflow(page) <= 0


async def test_view_status_may_lead_to_a_page_of_the_product(person: Person, shop: Shop) -> None:
    page = await visits(person, shop, more='status-href="/jobs/{id}" rowless')
    button = page.locator("tidings-button").locator("button.main")
    await button.click()
    await expect(button).to_have_text("View status")
    await expect(page.locator("tidings-button + tidings-job")).to_have_count(0)
    (job,) = (await person.http.get("/v1/jobs", params={"owner": shop.owner})).json()["jobs"]
    await button.click()
    await page.wait_for_url(f"{shop.url}/jobs/{job['id']}")


async def test_a_type_that_is_not_there_is_the_pages_mistake(person: Person, shop: Shop) -> None:
    page = await visits(person, shop)
    await page.locator("tidings-button").evaluate("(button) => button.setAttribute('type', 'no.such_type')")
    await page.locator("tidings-button").locator("button.main").click()
    await sees(page.locator("tidings-button"), "It is not your mistake.")
    assert (await person.http.get("/v1/jobs", params={"owner": shop.owner})).json()["jobs"] == []


async def test_a_page_that_was_not_named_gets_nothing(person: Person, served: dict[str, str]) -> None:
    """The browser itself keeps it out: the service named another origin."""
    page = await person.context.new_page()
    stranger = served["url"].replace("127.0.0.1", "localhost")
    await page.goto(f"{stranger}/healthz")
    ask = "(url) => fetch(url, { headers: { Authorization: 'Bearer x' } }).then(() => 'came', (error) => error.name)"
    assert await page.evaluate(ask, f"{served['url']}/v1/jobs") == "TypeError"
