"""`make screenshots`: the pictures of the docs, taken from the running demo as a person meets it."""

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser.conftest import ARGUMENTS, MISSING, chromium
from tests.browser.person import Person, button, row, sees, uses_sample
from tests.e2e.processes import stack


async def morning(person: Person, folder: Path) -> None:
    """From the first look to the plan of a retry, in the light, in the dark and on a phone."""
    page = await person.opens()
    await take(page, folder, "demo")
    for task in ("export", "ai"):
        await button(page, task).click()
    await uses_sample(page)
    await button(page, "import").click()
    await sees(row(page, "import"), "3 rows need attention.")
    await take(page, folder, "running")
    await page.locator("#cut").click()
    await sees(row(page, "export"), "We can't be reached")
    await take(page, folder, "away")
    await sees(page.locator("#told"), "Connected again.")
    await sees(row(page, "import"), "4 rows need attention.")
    await sees(row(page, "ai"), "23 summaries")
    await row(page, "ai").get_by_role("button", name="Retry 5 failed notes").click()
    await sees(row(page, "ai"), "another charge")
    await take(page, folder, "before-a-retry")
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.emulate_media(color_scheme="dark")
    await take(page, folder, "phone-dark")


async def german(browser: Browser, url: str, folder: Path) -> None:
    async with await browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 900}) as context:
        page = await context.new_page()
        await page.goto(f"{url}/demo")
        await button(page, "export").click()
        await sees(row(page, "export"), "CSV-Datei schreiben")
        await take(page, folder, "german")


async def console(page: Page, url: str, key: str, folder: Path) -> None:
    await page.goto(url)
    await page.locator("#key").fill(key)
    await page.locator("#enter button").click()
    first = page.locator("[data-open]").first
    await expect(first).to_be_visible()
    await first.click()
    await page.locator("[data-step='6']").click()
    await expect(page.locator("tidings-job .sentence")).to_be_visible()
    await take(page, folder, "console")
    await page.locator("#list input").nth(0).check()
    await page.locator("#list input").nth(1).check()
    await page.locator("[data-do=retry]").click()
    await expect(page.locator(".plan")).to_be_visible()
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.emulate_media(color_scheme="dark")
    await take(page, folder, "console-phone-dark")


async def take(page: Page, folder: Path, name: str) -> None:
    await page.evaluate("scrollTo(0, 0)")
    await page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")


async def main(folder: Path, url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with async_playwright() as playwright, httpx.AsyncClient(base_url=url, headers=headers) as http:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        async with await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}) as context:
            await morning(Person(context, http, url), folder)
            await console(await context.new_page(), url, key, folder)
        await german(browser, url, folder)
        await browser.close()


if __name__ == "__main__":
    if chromium() is None:
        sys.exit(MISSING)
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    data = Path(mkdtemp(prefix="tidings-pictures-"))
    try:
        with stack(data / "stack", TIDINGS_DEMO_PACE="8") as running:
            asyncio.run(main(pictures, running.ready["url"], running.ready["api_key"]))
    finally:
        shutil.rmtree(data, ignore_errors=True)
