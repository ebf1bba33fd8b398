"""The README's snippets as they stand there, on a real service: only place, key and tenant are filled in."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from schemas.states import State
from tests.sdk.conftest import EXPORT, Way
from tidings import Client, Context, JobView, Worker

README = Path(__file__).parents[2] / "sdk/python/README.md"
WAIT_S = 30

Snippets = dict[str, object]
Strings = Callable[..., Awaitable[str]]


@pytest.fixture
def told() -> asyncio.Queue[tuple[object, ...]]:
    """What the snippets print."""
    return asyncio.Queue()


@pytest.fixture
def snippets(way: Way, told: asyncio.Queue[tuple[object, ...]]) -> Snippets:
    """Everything that they define."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names: Snippets = {"__name__": "readme", "print": lambda *words: told.put_nowait(words)}
    for block in blocks:
        here = block.replace("http://127.0.0.1:8080", way.http_url).replace('"..."', f'"{way.api_key}"')
        exec(here.replace('tenant="shop"', f'tenant="{way.tenant}"'), names)
    return names


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    work = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(WAIT_S):
            yield
    finally:
        worker.stop()
        await work


@pytest.fixture
async def exporting(way: Way) -> AsyncIterator[None]:
    worker = way.worker(Worker)

    @worker.job(EXPORT)
    async def handler(ctx: Context) -> None:
        ctx.inline({"rows": 1})

    async with running(worker):
        yield


@pytest.mark.usefixtures("exporting")
async def test_a_job_is_started_and_followed(
    way: Way, snippets: Snippets, told: asyncio.Queue[tuple[object, ...]]
) -> None:
    ref = await cast("Strings", snippets["export"])(way.http_url, way.api_key)
    assert re.fullmatch(r"[A-Z]{2}-[0-9A-Z]{8}", ref)
    assert not told.empty()
    sentence = await cast("Strings", snippets["export_over_nats"])(way.nats_url, way.http_url, way.api_key)
    assert sentence


async def test_rows_are_fixed_and_only_those_retried(client: Client, snippets: Snippets, tmp_path: Path) -> None:
    file, fixed = tmp_path / "customers.csv", tmp_path / "fixed.csv"
    file.write_text("ann@example.org\nbob\n")
    fixed.write_text("bob@example.org\n")
    work = cast("Callable[..., Awaitable[JobView]]", snippets["import_customers"])
    async with running(cast("Worker", snippets["worker"])):
        view = await work(client, file, fixed)
    assert view.state == State.FINISHED.value
    assert await client.result(view) == b"bob@example.org"


async def test_durable_submits_and_their_refusals(
    way: Way, client: Client, snippets: Snippets, told: asyncio.Queue[tuple[object, ...]]
) -> None:
    await cast("Strings", snippets["order_exports"])(way.nats_url, ["mon", "tue", "mon"])
    async with Client(way.nats_url, tenant=way.tenant) as by_nats, asyncio.timeout(WAIT_S):
        await by_nats.submit_durably("no.such.type", owner="ann", command_id="wrong")
        reading = asyncio.ensure_future(cast("Strings", snippets["tell_refusals"])(way.nats_url))
        assert (await told.get())[0] == "wrong"
        reading.cancel()
        while len((await client.list(owner="ann")).jobs) < 2:
            pass
