"""The small client: a stream that resumes, polls where no stream gets through, and never an older state."""

import asyncio
from itertools import pairwise

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser.person import Person, button, row, sees

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(180)]

WATCH = """async ({ id, pass }) => {
  const { Client } = await import("/web/client.js");
  const seen = [];
  for await (const view of new Client({ pass: async () => pass }).watch(id)) seen.push(view.version);
  return seen;
}"""


def asked(page: Page, part: str) -> list[Request]:
    """The requests that this page makes from now on and that have this in their address."""
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if part in request.url else None)
    return found


async def hold(route: Route) -> None:
    """As a proxy that keeps a stream's bytes until there are more of them."""


async def cut(route: Route) -> None:
    await route.abort()


async def watched(page: Page) -> dict[str, object]:
    """A job that was just started, and the visitor's pass."""
    there = await page.wait_for_function("() => JSON.parse(localStorage.getItem('tidings demo pass'))")
    kept = await there.json_value()
    start = """async (pass) => {
      const { Client } = await import("/web/client.js");
      const client = new Client({ pass: async () => pass });
      return (await client.submit({ type: "orders.export", settings: { format: "csv", n: Math.random() } })).id;
    }"""
    return {"id": await page.evaluate(start, kept), "pass": kept}


def rises(versions: list[int]) -> bool:
    return bool(versions) and all(a < b for a, b in pairwise(versions))


async def test_a_visitor_stays_the_same_person_until_they_say_otherwise(person: Person) -> None:
    """What a tab reads in localStorage may be older than what another tab has just written there."""
    page = await person.opens()
    first = await person.name(page)
    await page.evaluate("localStorage.clear()")
    assert await person.name(await person.opens()) == first
    async with page.expect_event("load"):
        await page.locator("#anew").click()
    await expect(button(page, "export")).to_be_visible()
    assert await person.name(page) != first


async def test_a_stream_resumes_by_its_last_mark(person: Person) -> None:
    page = await person.opens()
    streams = asked(page, "/v1/stream")
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    await person.context.set_offline(True)
    await sees(row(page, "export"), "We can't be reached right now.")
    await expect(row(page, "export").locator(".wait")).to_have_count(0)  # nobody can renew it, so it is not kept
    async with page.expect_request(lambda request: "/v1/stream" in request.url):
        await person.context.set_offline(False)
    await sees(row(page, "export"), "Finished")
    marks = [(await request.all_headers()).get("last-event-id", "") for request in streams]
    assert marks[-1].startswith("0:")
    assert all("token" not in request.url and "tdp_" not in request.url for request in streams)


async def test_where_streams_are_refused_the_page_polls(person: Person) -> None:
    await person.context.route("**/v1/stream*", cut)
    page = await person.opens()
    lists = asked(page, "/v1/jobs?owner=")
    await button(page, "export").click()
    await sees(row(page, "export"), "Finished")
    await expect(row(page, "export").locator("[data-key=away]")).to_have_count(0)
    assert lists


@pytest.mark.parametrize("way", [cut, hold])
async def test_where_no_stream_gets_through_a_job_is_followed_by_long_polls(person: Person, way: object) -> None:
    page = await person.opens()
    await page.route("**/v1/jobs/*/stream", way)  # type: ignore[arg-type]
    polls = asked(page, "&wait=")
    versions = await page.evaluate(WATCH, await watched(page))
    assert rises(versions)
    assert polls


async def test_a_plain_loop_sees_each_state_once(person: Person) -> None:
    page = await person.opens()
    polls = asked(page, "&wait=")
    versions = await page.evaluate(WATCH, await watched(page))
    assert rises(versions)
    assert not polls


async def test_an_older_state_is_never_shown_after_a_newer_one(person: Person) -> None:
    """Whatever the order in which a stream, an answer and another tab bring them."""
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Finished")
    (job,) = await person.jobs(page)
    events = (await person.http.get(f"/v1/jobs/{job['id']}/events")).json()["events"]
    moments = [event["recorded_at"] for event in events[:-1]]
    older = await asyncio.gather(*(person.http.get(f"/v1/jobs/{job['id']}", params={"at": at}) for at in moments))
    again = """async (views) => {
      const here = await (await import("/web/session.js")).session();
      const shown = () => document.querySelector("#export-button + tidings-job").shadowRoot.textContent;
      const before = shown();
      for (const view of views) {
        here.board.put(view);
        here.board.wait({ id: view.id, version: view.version, wait: view.wait, waiting: view.waiting });
      }
      await new Promise(requestAnimationFrame);
      return before === shown();
    }"""
    assert await page.evaluate(again, [answer.json() for answer in older])


async def test_a_wait_changes_alone_and_nothing_else_is_drawn_anew(person: Person) -> None:
    """`event: wait` brings a moment, no version: the rest of the row stays as it stands, and nothing is announced."""
    page = await person.opens()
    await button(page, "export").click()
    await sees(row(page, "export"), "Running")
    moved = """async () => {
      const { board } = await (await import("/web/session.js")).session();
      const element = document.querySelector("#export-button + tidings-job");
      const [known, changed] = [board.get(element.id), []];
      const watcher = new MutationObserver((all) => changed.push(...all.map((each) => each.target)));
      watcher.observe(element.shadowRoot, { subtree: true, childList: true, characterData: true, attributes: true });
      const text = "Most jobs like this finish in 2 to 5 minutes.";
      const work = { low_s: 120, high_s: 300, text };
      const wait = { ...known.wait, work, queue: null, text, as_of: "2999-01-01T00:00:00Z" };
      board.wait({ id: known.id, version: known.version, wait, waiting: null });
      changed.push(...watcher.takeRecords().map((each) => each.target));
      const waits = [...element.shadowRoot.querySelectorAll(".wait")].map((each) => each.textContent);
      const isFact = (node) => (node.closest ? node : node.parentElement)?.closest(".facts");
      return { waits, elsewhere: changed.filter((node) => !isFact(node)).length };
    }"""
    found = await page.evaluate(moved)
    assert found == {"waits": ["Most jobs like this finish in 2 to 5 minutes."], "elsewhere": 0}
