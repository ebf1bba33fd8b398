"""`make screenshots`: the pictures of the docs, taken from the running demo as a person meets it."""

import asyncio
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

import httpx
from playwright.async_api import Browser, FloatRect, Page, async_playwright, expect

from schemas.states import State
from tests.browser.conftest import ARGUMENTS, MISSING, chromium
from tests.browser.person import Person, button, row, sees, uses_sample
from tests.browser.png import smaller
from tests.e2e.processes import stack

SLOTS = 4  # of the demo's workers together
MONTHS = 9
MARGIN_PX = 16


async def morning(person: Person, folder: Path) -> None:
    """From the first look to the plan of a retry, in the light, in the dark and on a phone."""
    page = await person.opens()
    await take(page, folder, "demo")
    for task in ("export", "ai"):
        await button(page, task).click()
    await uses_sample(page)
    await button(page, "import").click()
    await sees(row(page, "import"), "3 rows need attention.")
    await take(page, folder, "running", until=1)
    await page.locator("#cut").click()
    await sees(row(page, "export"), "We can't be reached")
    await take(page, folder, "away", task=1)
    await sees(page.locator("#told"), "Connected again.")
    await sees(row(page, "import"), "4 rows need attention.")
    await sees(row(page, "ai"), "23 summaries")
    await row(page, "ai").get_by_role("button", name="Retry 5 failed notes").click()
    await sees(row(page, "ai"), "another charge")
    await take(page, folder, "before-a-retry", task=2)
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.emulate_media(color_scheme="dark")
    await take(page, folder, "phone-dark", task=1)


async def other_readers(browser: Browser, url: str, folder: Path) -> None:
    """In German; and on a page that is read from right to left."""
    async with await browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 900}) as context:
        page = await context.new_page()
        await page.goto(f"{url}/demo")
        await button(page, "export").click()
        await sees(row(page, "export"), "CSV-Datei schreiben")
        await take(page, folder, "german")
        await page.evaluate("document.documentElement.dir = 'rtl'")
        await sees(row(page, "export"), "Ihre Datei kann heruntergeladen werden")
        await take(page, folder, "right-to-left")


async def exports(http: httpx.AsyncClient, month: int, owners: Iterable[int]) -> None:
    """Colleagues export too, some of them click twice; to the end of all."""
    same = {"type": "orders.export", "size": 50_000, "settings": {"format": "csv", "month": month}}
    wishes = [{**same, "owner": f"colleague-{n}"} for n in owners]
    jobs = [(await http.post("/v1/jobs", json=wish)).json() for wish in (*wishes, wishes[0])]
    for job in jobs:
        while job["state"] != State.FINISHED:
            asked = {"after": str(job["version"]), "wait": "20"}
            answer = await http.get(f"/v1/jobs/{job['id']}", params=asked)
            job = answer.json() if answer.status_code == 200 else job  # noqa: PLW2901 - the same job, newer


async def console(page: Page, http: httpx.AsyncClient, key: str, folder: Path) -> None:
    for month in range(MONTHS):  # as long as there is a free worker for each: there is something to learn from
        await exports(http, month, range(SLOTS))
    line = asyncio.create_task(exports(http, MONTHS, range(4 * SLOTS)))
    await page.goto(str(http.base_url))
    await page.locator("#key").fill(key)
    await page.locator("#enter button").click()
    await page.locator("[name=q]").fill("of customers")
    await page.locator("[data-open]").filter(has_text="Import of customers").click()
    await page.locator("[name=q]").fill("")
    await sees(page.locator("#list"), "colleague-1 ·")
    await page.locator("[data-step='6']").click()
    await expect(page.locator("tidings-job .sentence")).to_be_visible()
    await sees(page.locator("#overview"), "Jobs in hand")
    await expect(page.locator("#overview .sum")).to_contain_text(re.compile("[5-9] seconds"))
    await take(page, folder, "console")
    await line
    await page.get_by_role("link", name="Estimates").click()
    await expect(page.locator("#estimates svg").first).to_be_visible()
    await take(page, folder, "console-estimates")
    await page.get_by_role("link", name="Kinds of job").click()
    await sees(page.locator("#kinds"), "Export of orders")
    await take(page, folder, "console-kinds")
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.emulate_media(color_scheme="dark")
    await page.get_by_role("link", name="Estimates").click()
    await take(page, folder, "console-estimates-phone-dark")
    await page.get_by_role("link", name="Jobs", exact=True).click()
    await page.locator("[name=q]").fill("of customers")
    await expect(page.locator("[data-open]")).to_have_count(1)
    await page.locator("[data-do=all]").click()
    await page.locator("[data-do=retry]").click()
    await expect(page.locator(".plan")).to_be_visible()
    await take(page, folder, "console-phone-dark")


async def take(page: Page, folder: Path, name: str, *, task: int | None = None, until: int | None = None) -> None:
    """The whole page; or the demo's page as far as one of its tasks, or that task alone: whole cards, nothing cut."""
    await page.mouse.move(0, 0)  # nothing shows that a mouse is over it
    await page.evaluate("scrollTo(0, 0)")
    clip: FloatRect | None = None
    if (last := until if task is None else task) is not None:
        box = await page.locator(".task").nth(last).bounding_box()
        assert box
        left, top = (0.0, 0.0) if task is None else (max(0.0, box["x"] - MARGIN_PX), box["y"] - MARGIN_PX)
        right = await width_of(page) if task is None else box["x"] + box["width"] + MARGIN_PX
        below = box["y"] + box["height"] + MARGIN_PX
        clip = {"x": left, "y": top, "width": right - left, "height": below - top}
    await page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled", clip=clip)


async def width_of(page: Page) -> float:
    width: float = await page.evaluate("innerWidth")
    return width


async def main(folder: Path, url: str, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with async_playwright() as playwright, httpx.AsyncClient(base_url=url, headers=headers) as http:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        async with await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}) as context:
            await morning(Person(context, http, url), folder)
            page = await context.new_page()
            await page.set_viewport_size({"width": 1200, "height": 900})
            await console(page, http, key, folder)
        await other_readers(browser, url, folder)
        await browser.close()


if __name__ == "__main__":
    if chromium() is None:
        sys.exit(MISSING)
    pictures = Path(sys.argv[1])
    pictures.mkdir(parents=True, exist_ok=True)
    data = Path(mkdtemp(prefix="tidings-pictures-"))
    try:
        with stack(data / "stack", TIDINGS_DEMO_PACE="12") as running:
            asyncio.run(main(pictures, running.ready["url"], running.ready["api_key"]))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    for picture in pictures.glob("*.png"):  # only now: it takes its time, and the demo would go on meanwhile
        picture.write_bytes(smaller(picture.read_bytes()))
