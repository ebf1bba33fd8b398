"""How soon a click's first status is on the screen, in a real browser; and what the components weigh.

`python -m bench.clicks [CLICKS]`. Each click is a new visitor's first one on /demo. Answer: from the click to the last
byte of the service's answer. From there: until the row with its sentence stands in the page, and until it is painted,
seen by the frame after that one, so that up to a frame is the measuring itself. The job's work runs on the same cores.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import ARGUMENTS, MISSING, chromium
from tests.browser.test_looks import weight
from tests.e2e.processes import stack

WATCH = """() => {
  const row = () => document.querySelector("#export-button + tidings-job")?.shadowRoot?.querySelector(".sentence");
  addEventListener("click", () => (window.clicked = performance.now()), { capture: true });
  const look = () => row() && (window.stands ??= performance.now());
  const seen = new MutationObserver(look);
  const all = { childList: true, subtree: true };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const node of addedNodes) if (node.shadowRoot) seen.observe(node.shadowRoot, all);
    look();
  }).observe(document.body, all);
  window.painted = new Promise((resolve) => {
    const frame = () => requestAnimationFrame(row() ? () => resolve(performance.now()) : frame);
    frame();
  });
}"""
FOUND = """async () => {
  const painted = await window.painted;
  const answers = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith("/v1/jobs"));
  const answered = answers.at(-1).responseEnd;
  return [answered - window.clicked, window.stands - answered, painted - answered];
}"""


async def click(browser: Browser, url: str) -> list[float]:
    """Milliseconds to the answer, and from it to the row and to its picture."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{url}/demo")
        button = page.locator("#export-button").locator("button.main")
        await button.wait_for()
        await page.evaluate(WATCH)
        await button.click()
        found: list[float] = await page.evaluate(FOUND)
        return found


async def main(clicks: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder, stack(Path(folder) / "stack") as running:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
            await click(browser, running.ready["url"])  # the first one of all fills caches
            took = [await click(browser, running.ready["url"]) for _ in range(clicks)]
            await browser.close()
    for what, ms in zip(
        ("click to answer", "answer to row", "answer to painted"), zip(*took, strict=True), strict=True
    ):
        print(f"clicks {what:<20} {clicks:>4} clicks  median {median(ms):>6.1f} ms  slowest {max(ms):>6.1f} ms")
    print(f"clicks components {weight():,} bytes compressed, texts included")


if __name__ == "__main__":
    if chromium() is None:
        print(MISSING)
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
