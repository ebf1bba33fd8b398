"""Every page, for everybody: no violation of WCAG that axe can find, nothing wider than a phone, and light to load."""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, Route, expect

from schemas.messages import LANGUAGES
from services.web import static
from tests.browser.person import Person, button, row, sees, uses_sample

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COMPONENTS_MAX_BYTES = 40_000
Looks = tuple[tuple[int, Literal["light", "dark"]], ...]
LOOKS: Looks = ((1280, "light"), (360, "dark"))
OTHER_LOOKS: Looks = ((360, "light"), (1280, "dark"))


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE)
    found = await page.evaluate("(tags) => axe.run(document, { runOnly: tags })", RULES)
    return [f"{each['id']}: {node['html'][:200]}" for each in found["violations"] for node in each["nodes"]]


async def overflow(page: Page) -> int:
    found: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found


async def looks(page: Page, width: int, scheme: Literal["light", "dark"]) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


async def is_for_everybody(page: Page, wanted: Looks = LOOKS) -> None:
    """What stands there now, wide and narrow, by day and by night."""
    for width, scheme in wanted:
        await looks(page, width, scheme)
        assert await violations(page) == [], (width, scheme)
        assert await overflow(page) <= 0, (width, scheme)


async def test_the_demo_is_for_everybody(person: Person) -> None:
    page = await person.opens()
    await is_for_everybody(page)
    await page.locator("#slow").check()
    await uses_sample(page)
    for task in ("import", "export", "ai"):
        await button(page, task).click()
        await expect(row(page, task)).to_be_visible()
    await sees(row(page, "ai"), "Running")
    await is_for_everybody(page)
    await sees(row(page, "import"), "Needs fix")
    await row(page, "import").get_by_role("button", name="Retry 4 failed rows").click()
    await sees(row(page, "import"), "Before you go ahead")
    await page.locator("tidings-jobs button.row").first.click()
    await sees(row(page, "ai"), "23 summaries")
    await is_for_everybody(page, LOOKS + OTHER_LOOKS)


async def test_the_demo_is_for_everybody_when_nobody_answers(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    await page.locator("#cut").click()
    await sees(row(page, "export"), "We can't be reached right now.")
    await button(page, "ai").click()
    await sees(page.locator("#ai-button"), "We keep trying with the same click")
    await expect(button(page, "ai")).to_have_text("Starting …")
    await is_for_everybody(page)


async def test_the_other_language_and_direction(browser: Browser, served: dict[str, str]) -> None:
    async with await browser.new_context(locale="de-DE", viewport={"width": 360, "height": 800}) as context:
        page = await context.new_page()
        await page.goto(f"{served['url']}/demo")
        await expect(button(page, "export")).to_have_text("Bestellungen exportieren")
        await page.evaluate("document.documentElement.dir = 'rtl'")
        await button(page, "export").click()
        await sees(row(page, "export"), "Ihre Datei kann heruntergeladen werden")
        assert await overflow(page) <= 0
        assert await violations(page) == []


async def test_the_console_is_for_everybody(person: Person, served: dict[str, str]) -> None:
    """A key, a search on the service, a job's past, and a look before many are touched."""
    visitor = await person.opens()
    await button(visitor, "export").click()
    await sees(row(visitor, "export"), "Finished")
    (job,) = await person.jobs(visitor)
    page = await person.context.new_page()
    await page.goto(served["url"])
    await sees(page.locator("h1"), "Console")  # its words have come
    await is_for_everybody(page)
    await page.locator("#key").fill("tdk_wrong")
    await page.locator("#enter button").click()
    await sees(page.locator("#refused"), "This key was not accepted.")
    await page.locator("#key").fill(served["api_key"])
    await page.locator("#enter button").click()
    await sees(page.locator("#overview"), "orders.export")
    await page.locator("[name=q]").fill(str(job["ref"]))
    await expect(page.locator("[data-open]")).to_have_count(1)
    await page.locator("[data-open]").click()
    await sees(page.locator("#timeline"), "Clicked: the job was saved")
    await sees(page.locator("tidings-job"), "Finished")
    await page.locator("[data-step='1']").click()
    # With a worker that waited it started in the moment it was saved.
    await expect(page.locator("tidings-job")).to_contain_text(
        re.compile(r"Waiting for a free worker\.|Starting the work\.")
    )
    await page.locator("#list input").check()
    await page.locator("[data-do=cancel]").click()
    await sees(page.locator(".plan"), "Not possible now")
    await is_for_everybody(page)


def weight(language: str = "en") -> int:
    """Bytes of all that the one script tag brings, as it is sent: modules, those loaded later too, and texts."""
    loaded = static.load()
    wanted, seen = ["tidings.js"], {f"messages.{language}.json": loaded[f"messages.{language}.json"].zipped}
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen[name] = loaded[name].zipped or gzip.compress(loaded[name].raw)
        named = re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', loaded[name].raw.decode())
        wanted += [(Path("/") / name).parent.joinpath(each).resolve().as_posix().lstrip("/") for each in named]
    assert len(seen) > 10
    return sum(map(len, seen.values()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_components_are_light(language: str) -> None:
    assert weight(language) < COMPONENTS_MAX_BYTES


TOPS = """() => [...document.querySelectorAll("tidings-button")].map((button) => button.getBoundingClientRect().top)"""
MAIN_TOPS = """() => [...document.querySelectorAll("tidings-button")].map((button) =>
  button.shadowRoot.querySelector("button.main").getBoundingClientRect().top + scrollY)"""
MOVES_MAX_PX = 24  # the words of a note that break into a second line


def once(answered: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    async def go(route: Route) -> None:
        await answered.wait()
        await route.continue_()

    return go


async def test_an_answer_moves_no_other_button_under_a_finger(person: Person) -> None:
    """The row's place is taken with the click itself; when the answer comes, however late, all stays where it is."""
    page = await person.opens()
    for width in (360, 1280):
        await looks(page, width, "light")
        answered = asyncio.Event()
        await page.route("**/v1/jobs", once(answered))
        task = "export" if width == 360 else "ai"
        await button(page, task).click()
        await sees(row(page, task), "In a moment this shows how your job stands.")
        before = await page.evaluate(TOPS)
        answered.set()
        await sees(row(page, task), "You can leave this page.")
        await expect(button(page, task)).to_have_text("View status")
        moved = max(abs(a - b) for a, b in zip(before, await page.evaluate(TOPS), strict=True))
        assert moved <= MOVES_MAX_PX, width
        await page.unroute("**/v1/jobs")


async def test_a_chosen_file_moves_no_button_under_a_finger(person: Person) -> None:
    page = await person.opens()
    for width in (360, 1280):
        await looks(page, width, "light")
        before = await page.evaluate(MAIN_TOPS)
        await uses_sample(page)
        assert await page.evaluate(MAIN_TOPS) == pytest.approx(before, abs=1)
        await page.reload()
        await expect(button(page, "import")).to_be_visible()


async def test_a_refused_click_leaves_no_place(person: Person) -> None:
    page = await person.opens()
    await page.route("**/v1/jobs", lambda route: route.fulfill(status=422, json=REFUSED))
    await button(page, "export").click()
    await sees(page.locator("#export-button"), "This page asked for something that we can't do.")
    await expect(row(page, "export")).to_have_count(0)


REFUSED = {"type": "about:blank", "title": "No", "status": 422, "detail": "No such size.", "next": "", "errors": []}
