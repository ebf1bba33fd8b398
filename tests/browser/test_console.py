"""The console: its pages for everybody, a list that keeps to its search, and many jobs touched after a look."""

import asyncio
import re

import httpx
import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.person import Person, button, row, sees, uses_sample
from tests.browser.test_looks import is_for_everybody, overflow, violations

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

JUDGED = """async () => {
  const [{ renderEstimates }, { session }] =
    [await import("/web/console/estimates.js"), await import("/web/session.js")];
  const recent = [[60, 120, 90], [60, 120, 150], [null, 600, 20], [60, 120, 30]];
  const shares = { held: 1 / 3, below: 1 / 3, above: 1 / 3, bounds_held: 1, none: 0.5, width: 2, worst_stretch: null };
  const parts = [{ what: "work", answers: 8, recent, ...shares }];
  const { words } = await session();
  document.getElementById("estimates").innerHTML = renderEstimates({ types: [{ type: "a.b", parts }] }, words);
}"""


async def enters(person: Person, key: str) -> Page:
    page = await person.context.new_page()
    page.on("pageerror", lambda error: person.errors.append(str(error)))
    await page.goto(person.url)
    await page.locator("#key").fill(key)
    await page.locator("#enter button").click()
    await sees(page.locator("#overview"), "orders.export")
    return page


async def test_its_other_pages_are_for_everybody(person: Person, served: dict[str, str]) -> None:
    await person.opens()
    page = await enters(person, served["api_key"])
    await page.get_by_role("link", name="Kinds of job").click()
    await sees(page.locator("#kinds"), "It could add data twice, so it is confirmed first.")
    await sees(page.locator("#kinds"), "Reading rows → Writing the final CSV → Storing your file")
    await is_for_everybody(page)
    await page.get_by_role("link", name="Estimates").click()
    await expect(page.locator("#view-kinds")).to_be_hidden()
    await expect(page.locator("#estimates")).to_contain_text(re.compile("judged yet|8 of 10"))
    await page.route("**/v1/waits/calibration", lambda route: route.abort())
    await sees(page.locator("#estimates"), "We can't be reached right now.")
    await page.evaluate(JUDGED)
    await is_for_everybody(page)
    assert not person.errors


async def test_it_keeps_within_a_phone_in_german(browser: Browser, served: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {served['api_key']}"}
    async with httpx.AsyncClient(base_url=served["url"], headers=headers) as http:
        await http.post("/demo/visit")  # the demo's types come with its first visitor
    async with await browser.new_context(locale="de-DE", viewport={"width": 360, "height": 800}) as context:
        page = await context.new_page()
        await page.goto(served["url"])
        await page.locator("#key").fill(served["api_key"])
        await page.locator("#enter button").click()
        await sees(page.locator("#overview"), "orders.export")
        for view, shown in (("jobs", "orders.export"), ("estimates", ""), ("kinds", "Export der Bestellungen")):
            await page.evaluate("(view) => (location.hash = view)", view)
            await sees(page.locator(f"#view-{view}"), shown)
            assert await violations(page) == []
            assert await overflow(page) <= 0


async def test_a_plot_tells_which_answers_held(person: Person, served: dict[str, str]) -> None:
    await person.opens()
    page = await enters(person, served["api_key"])
    await page.goto(f"{person.url}/#estimates")
    await page.route("**/v1/waits/calibration", lambda route: route.fulfill(status=503))
    await sees(page.locator("#estimates"), "We can't be reached right now.")
    await page.evaluate(JUDGED)
    plot = page.get_by_role("img", name="The last 4 answers: 2 held.")
    await expect(plot.locator(".held")).to_have_count(2)
    await expect(plot.locator(".missed")).to_have_count(2)
    await expect(plot.locator(".bound")).to_have_count(1)
    heights = [float(await dot.get_attribute("cy") or 0) for dot in await plot.locator("circle").all()]
    assert heights[1] < heights[0] < heights[3] < heights[2]  # 150, 90, 30 and 20 seconds, the longest on top
    await sees(plot.locator("text").first, "sec")
    await sees(page.locator("#estimates tbody"), "33%")


async def test_many_are_retried_after_a_look_at_what_it_may_do(person: Person, served: dict[str, str]) -> None:
    visitor = await person.opens()
    await uses_sample(visitor)
    await button(visitor, "import").click()
    await button(visitor, "export").click()
    await sees(row(visitor, "import").locator(".pill"), "Needs fix")
    await sees(row(visitor, "export").locator(".pill"), "Finished")
    page = await enters(person, served["api_key"])
    let_go = asyncio.Event()

    async def late(route: Route) -> None:
        await let_go.wait()
        await route.continue_()

    await page.route("**/v1/jobs?*owner=*", late)
    await page.locator("[name=owner]").fill(await person.name(visitor))
    await page.get_by_role("button", name="Pick all that match").click()  # of the list that is not there yet
    await expect(page.locator("[data-do=retry]")).to_have_count(0)
    let_go.set()
    await expect(page.locator("[data-open]")).to_have_count(2)
    await sees(page.locator("#bulk"), "2 picked")
    await page.locator("[data-do=retry]").click()
    plan = page.locator(".plan")
    await sees(plan, "This will happen to 1 of the 2 picked:")
    await sees(plan, "Runs 4 failed rows again.")
    await sees(plan, "This could add rows twice.")
    await sees(plan, "Not possible now")
    await page.get_by_role("button", name="Leave it").click()
    await expect(plan).to_have_count(0)
    assert sorted(str(job["run"]) for job in await person.jobs(visitor)) == ["1", "1"]
    await page.locator("[data-do=retry]").click()
    await page.get_by_role("button", name="Go ahead").click()
    await sees(page.locator("#bulk"), "Done: 1 of 1.")
    assert sorted(str(job["run"]) for job in await person.jobs(visitor)) == ["1", "2"]


async def test_what_no_longer_matches_leaves_the_list(person: Person, served: dict[str, str]) -> None:
    visitor = await person.opens()
    page = await enters(person, served["api_key"])
    await page.locator("[name=owner]").fill(await person.name(visitor))
    await page.locator("[name=state]").select_option("running")
    await sees(page.locator("#list"), "No job matches.")
    await button(visitor, "export").click()
    await sees(page.locator("#list"), "Export of 50,000 orders")
    await sees(page.locator("#overview"), "Jobs in hand:")
    await sees(row(visitor, "export").locator(".pill"), "Finished")
    await sees(page.locator("#list"), "No job matches.")
    await page.locator("[name=state]").select_option("")
    await sees(page.locator("#list"), "Your file is ready to download")
