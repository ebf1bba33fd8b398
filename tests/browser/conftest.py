"""A real browser before the real stack: the system's Chromium, and a visitor with a fresh profile for each test."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import mkdtemp

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.person import Person
from tests.browser.shop import Shop, open_shop
from tests.e2e.processes import stack

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the quickest first
PACE_S = "4"
MISSING = "NO BROWSER TESTS: Chromium is missing. As root: `apt-get install -y chromium`; then run the tests again."


def chromium() -> str | None:
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def shop() -> Iterator[Shop]:
    """A product on an origin of its own."""
    with open_shop() as opened:
        yield opened


@pytest.fixture(scope="package")
def served(shop: Shop) -> Iterator[dict[str, str]]:
    """The whole stack with its demo, for all browser tests; the shop may embed its screens."""
    folder = Path(mkdtemp(prefix="tidings-browser-"))
    try:
        with stack(folder / "stack", TIDINGS_DEMO_PACE=PACE_S, TIDINGS_ALLOWED_ORIGINS=shop.url) as running:
            shop.tidings, shop.key = running.ready["url"], running.ready["api_key"]
            yield running.ready
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
async def browser() -> AsyncIterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(MISSING)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield opened
        await opened.close()


@pytest.fixture
async def person(browser: Browser, served: dict[str, str]) -> AsyncIterator[Person]:
    """Somebody who has never been here."""
    headers = {"Authorization": f"Bearer {served['api_key']}"}
    async with (
        httpx.AsyncClient(base_url=served["url"], headers=headers, timeout=30) as http,
        await browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900}) as context,
    ):
        yield Person(context, http, served["url"])
