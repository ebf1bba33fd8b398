"""What a person does in front of the demo, and what the service has on record of it."""

from pathlib import Path

import httpx
from playwright.async_api import BrowserContext, Locator, Page, expect

STATE_MAX_MS = 30_000  # on a machine that does much else beside
expect.set_options(timeout=STATE_MAX_MS)


class Person:
    """One visitor: their browser, and the operator's view of their jobs."""

    def __init__(self, context: BrowserContext, http: httpx.AsyncClient, url: str) -> None:
        self.context = context
        self.http = http
        self.url = url
        self.errors: list[str] = []

    async def opens(self) -> Page:
        """A tab with the demo, its buttons ready."""
        page = await self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        await page.goto(f"{self.url}/demo")
        await expect(page.locator("#page:not([inert])")).to_be_visible()
        for task in ("export", "import", "ai"):
            await expect(button(page, task)).to_be_visible()
        return page

    async def name(self, page: Page) -> str:
        kept = await page.wait_for_function("() => JSON.parse(localStorage.getItem('tidings demo pass'))?.owner")
        name: str = await kept.json_value()
        return name

    async def jobs(self, page: Page) -> list[dict[str, object]]:
        """On record, whatever the screen says."""
        answer = await self.http.get("/v1/jobs", params={"owner": await self.name(page)})
        found: list[dict[str, object]] = answer.json()["jobs"]
        return found

    async def streams(self) -> float:
        lines = (await self.http.get("/metrics")).text.splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("tidings_streams ")))


def button(page: Page, task: str) -> Locator:
    return page.locator(f"#{task}-button").locator("button.main")


def row(page: Page, task: str) -> Locator:
    """The job's row, which stands after its button."""
    return page.locator(f"#{task}-button + tidings-job")


async def sees(where: Locator, text: str) -> None:
    await expect(where).to_contain_text(text)


async def uses_sample(page: Page) -> None:
    await page.locator("#sample").click()
    await sees(page.locator("#import-button"), "customers.csv")


def mends(problems: Path) -> Path:
    """What a person does in a spreadsheet: each wrong value put right."""
    right = {
        "2024-13-45": "2024-12-15",
        "kaya.demir(at)juniper.example": "kaya.demir@juniper.example",
        "platinum": "business",
    }
    text = problems.read_text(encoding="utf-8")
    for wrong, better in right.items():
        text = text.replace(wrong, better)
    text = text.replace("388,email,is missing,,", "388,email,is missing,nia.prado@petrel.example,")
    mended = problems.with_name("mended.csv")
    mended.write_text(text, encoding="utf-8")
    return mended
