"""The impatient user's checks: whatever they do, one job with a right status."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.person import Person, button, mends, row, sees, uses_sample

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]


async def test_clicks_twice_fast_and_presses_enter_again(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").dblclick()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await sees(row(page, "export"), "Finished")
    assert [job["run"] for job in await person.jobs(page)] == [1]
    await expect(button(page, "export")).to_have_text("View status")
    assert not person.errors


async def test_opens_a_second_tab(person: Person) -> None:
    first = await person.opens()
    await first.locator("#slow").check()
    await button(first, "export").click()
    await sees(row(first, "export"), "Running")
    second = await person.opens()
    await second.locator("#slow").check()
    await expect(button(second, "export")).to_have_text("View status")
    await sees(second.locator("#export-button"), "You already started this")
    await row(second, "export").get_by_role("button", name="Cancel").click()
    await asyncio.gather(sees(row(first, "export"), "Canceled"), sees(row(second, "export"), "Canceled"))
    assert len(await person.jobs(first)) == 1


async def test_refreshes_in_mid_run(person: Person) -> None:
    page = await person.opens()
    await page.locator("#slow").check()
    await button(page, "ai").click()
    await sees(row(page, "ai"), "Running")
    for _ in range(3):
        await page.reload()
        await expect(button(page, "ai")).to_have_text("View status")
        await sees(row(page, "ai"), "Running")
    await row(page, "ai").get_by_role("button", name="Cancel").click()
    await sees(row(page, "ai"), "Canceled")
    assert len(await person.jobs(page)) == 1


async def test_closes_and_returns(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Export of 50,000 orders")
    await page.close()
    again = await person.opens()
    await sees(again.locator("tidings-jobs"), "Export of 50,000 orders")
    await sees(row(again, "export"), "Finished")
    assert len(await person.jobs(again)) == 1


async def test_fixes_the_bad_rows_and_retries_only_those(person: Person, tmp_path: Path) -> None:
    page = await person.opens()
    await uses_sample(page)
    await button(page, "import").click()
    blocked = row(page, "import")
    await sees(blocked, "4 rows need attention.")
    await sees(blocked, "start_date")
    await sees(blocked, "is not a date")
    await sees(blocked, "Needs fix")
    async with page.expect_download() as downloading:
        await blocked.get_by_role("link", name="Download 4 problem rows").click()
    problems = tmp_path / "problems.csv"
    await (await downloading.value).save_as(problems)
    await blocked.get_by_role("button", name="Retry 4 failed rows").click()
    await blocked.locator("input[type=file]").set_input_files(mends(problems))
    await blocked.get_by_role("button", name="Retry 4 failed rows").click()
    await sees(blocked, "Runs 4 failed rows again.")
    await sees(blocked, "This could add rows twice. Retry anyway?")
    await blocked.get_by_role("button", name="Retry 4 failed rows").click()
    await sees(blocked, "Finished")
    (job,) = await person.jobs(page)
    assert (job["state"], job["run"]) == ("finished", 2)
    assert isinstance(job["items"], dict)
    assert job["items"]["failed"] == 0


async def test_retries_only_the_failed_notes_after_reading_the_plan(person: Person) -> None:
    page = await person.opens()
    await button(page, "ai").click()
    await sees(row(page, "ai"), "23 summaries are ready.")
    retry = row(page, "ai").get_by_role("button", name="Retry 5 failed notes")
    await retry.click()
    await sees(row(page, "ai"), "Runs 5 failed notes again. Keeps 23 summaries that are done.")
    await sees(row(page, "ai"), "another charge")
    await retry.click()
    await sees(row(page, "ai").locator(".pill"), "Running")
    await sees(row(page, "ai").locator(".pill"), "Finished")
    (job,) = await person.jobs(page)
    assert job["run"] == 2


async def test_clicks_without_a_network(person: Person) -> None:
    page = await person.opens()
    tries = 0

    def failed(_: object) -> None:
        nonlocal tries
        tries += 1

    await person.context.set_offline(True)
    page.on("requestfailed", failed)
    await button(page, "export").click()
    await sees(page.locator("#export-button"), "it will still be one job")
    while tries < 4:
        await page.wait_for_event("requestfailed")
    await button(page, "export").click(force=True)  # it says that it is busy
    await person.context.set_offline(False)
    await sees(row(page, "export"), "Finished")
    (job,) = await person.jobs(page)
    assert job["clicks"] == 1


async def test_is_cut_off_for_twenty_seconds_in_mid_run(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    await page.locator("#cut").click()
    await sees(row(page, "export"), "We can't be reached right now.")
    await sees(page.locator("#told"), "Connected again.")
    await sees(row(page, "export"), "Finished")
    await expect(row(page, "export").locator("[data-key=away]")).to_have_count(0)
    assert len(await person.jobs(page)) == 1


async def test_is_offline_for_twenty_seconds_while_the_job_ends(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    (job,) = await person.jobs(page)
    await person.context.set_offline(True)
    await sees(row(page, "export"), "We can't be reached right now.")
    began = asyncio.get_running_loop().time()
    while job["state"] != "finished" or asyncio.get_running_loop().time() < began + 20:
        asked = {"after": str(job["version"]), "wait": "5"}  # the version only rises, so an ended job fills the time
        answer = await person.http.get(f"/v1/jobs/{job['id']}", params=asked)
        job = answer.json() if answer.status_code == 200 else job
    await expect(row(page, "export").locator(".pill")).to_contain_text("Running")  # what it knew last, and no more
    await person.context.set_offline(False)
    await sees(row(page, "export"), "Finished")
    await expect(row(page, "export").locator("[data-key=away]")).to_have_count(0)
    (job,) = await person.jobs(page)
    assert (job["clicks"], job["run"]) == (1, 1)


async def test_an_upload_shows_how_far_it_is_and_warns_before_leaving(person: Person) -> None:
    page = await person.opens()
    await uses_sample(page)
    network = await person.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 40_000}
    await network.send("Network.emulateNetworkConditions", slow)
    await button(page, "import").click()
    way = page.locator("#import-button").locator("progress")
    await sees(page.locator("#import-button"), "Please keep this page open.")
    await expect(way).not_to_have_attribute("value", "0")
    assert int(await way.get_attribute("value") or 0) < int(await way.get_attribute("max") or 0)
    async with page.expect_event("dialog") as asking:
        await page.close(run_before_unload=True)
    dialog = await asking.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    await network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    await sees(row(page, "import"), "rows need attention")
    await expect(way).to_have_count(0)


async def test_refreshes_in_the_middle_of_an_import(person: Person) -> None:
    """The file is gone from the page by then, but not what it started."""
    page = await person.opens()
    await uses_sample(page)
    await button(page, "import").click()
    await sees(row(page, "import"), "Running")
    await page.reload()
    await expect(button(page, "import")).to_have_text("View status")
    await sees(row(page, "import"), "rows need attention")
    assert len(await person.jobs(page)) == 1


async def test_reads_what_starting_again_costs_before_it_happens(person: Person) -> None:
    page = await person.opens()
    await button(page, "ai").click()
    await row(page, "ai").get_by_role("button", name="Cancel").click()
    await sees(row(page, "ai").locator(".pill"), "Canceled")
    again = row(page, "ai").get_by_role("button", name="Start a new one")
    await again.click()
    await sees(row(page, "ai"), "another charge")
    await row(page, "ai").get_by_role("button", name="Not now").click()
    await expect(row(page, "ai")).not_to_contain_text("another charge")
    assert len(await person.jobs(page)) == 1
    await again.click()
    await again.click()
    await sees(row(page, "ai").locator(".pill"), "Running")
    assert len(await person.jobs(page)) == 2


async def test_an_upload_that_is_cut_starts_nothing(person: Person) -> None:
    page = await person.opens()
    await uses_sample(page)
    await page.route("**/v1/uploads*", lambda route: route.abort())
    await button(page, "import").click()
    await sees(page.locator("#import-button"), "Nothing was started.")
    assert await person.jobs(page) == []
    await page.unroute("**/v1/uploads*")
    await button(page, "import").click()
    await sees(row(page, "import"), "rows need attention")
    assert len(await person.jobs(page)) == 1


async def test_a_buttons_own_ways_to_a_file_start_nothing(person: Person) -> None:
    page = await person.opens()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await uses_sample(page)
    async with page.expect_response("**/demo/customers.csv*"):
        await page.locator("#sample").click()
    await expect(button(page, "import")).to_have_text("Import customers")
    assert not [url for url in asked if "/v1/uploads" in url]
    assert await person.jobs(page) == []


async def test_opens_eight_tabs_at_once(person: Person) -> None:
    pages = await asyncio.gather(*(person.opens() for _ in range(8)))
    while await person.streams() != 1:  # one for the browser, not one for a tab
        await expect(button(pages[0], "export")).to_be_visible()
    await asyncio.gather(*(button(page, "export").click() for page in pages))

    async def finishes(page: Page) -> None:
        await sees(row(page, "export"), "Finished")

    await asyncio.gather(*(finishes(page) for page in pages))
    assert len(await person.jobs(pages[0])) == 1
    assert await person.streams() == 1


async def test_a_hidden_tab_lets_go_and_catches_up(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    hide = "(state) => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
    await page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')) }", "hidden")
    (job,) = await person.jobs(page)
    while job["state"] != "finished":
        answer = await person.http.get(f"/v1/jobs/{job['id']}", params={"after": str(job["version"]), "wait": "20"})
        job = answer.json() if answer.status_code == 200 else job
    await expect(row(page, "export").locator(".pill")).to_contain_text("Running")
    await page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')) }", "visible")
    await sees(row(page, "export"), "Finished")


async def test_a_status_is_announced_politely_once(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    live = row(page, "export").locator("#live")
    await expect(live).to_have_attribute("aria-live", "polite")
    await sees(live, "Finished. Your file is ready to download: orders.csv")


async def test_view_status_moves_the_focus_to_the_row(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await expect(button(page, "export")).to_have_text("View status")
    await button(page, "export").focus()
    await page.keyboard.press("Enter")
    await expect(row(page, "export")).to_be_focused()


async def test_cancels_and_starts_again(person: Person) -> None:
    page = await person.opens()
    await button(page, "export").click()
    await row(page, "export").get_by_role("button", name="Cancel").click()
    await sees(row(page, "export").locator(".pill"), "Canceled")
    await expect(button(page, "export")).to_have_text("Start again")
    await button(page, "export").click()
    await expect(button(page, "export")).to_have_text("View status")
    await sees(row(page, "export").locator(".pill"), "Finished")
    await row(page, "export").get_by_role("button", name="Start a new one").click()
    await sees(row(page, "export").locator(".pill"), "Running")
    assert len(await person.jobs(page)) == 3
