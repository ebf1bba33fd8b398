"""Commands that NATS keeps while Tidings is down, and a NATS that comes back."""

import asyncio

import pytest

from eventstore import jetstream
from eventstore.postgres import Pool
from schemas.states import State
from tests.nats_servers import Broker, broker
from tests.sdk.conftest import EXPORT, Way
from tidings import Client, Context, Unreachable, Worker

WAIT_S = 30


@pytest.fixture
async def way(http_url: str, nats: Broker, pool: Pool, tenant: str) -> Way:
    return await Way.begin("nats", http_url, nats, pool, tenant)


async def test_a_durable_submit_becomes_one_job(client: Client) -> None:
    for _ in range(3):
        assert await client.submit_durably(EXPORT, owner="ann", command_id="order-17") == "order-17"
    async with asyncio.timeout(WAIT_S):
        while not (jobs := (await client.list(owner="ann")).jobs):
            pass
    assert [job.clicks for job in jobs] == [1]


async def test_a_refused_command_can_be_read_and_read_on(client: Client) -> None:
    await client.submit_durably("no.such.type", owner="ann", command_id="first")
    await client.submit_durably(EXPORT, owner="", command_id="second")
    async with asyncio.timeout(WAIT_S):
        found = client.rejections()
        rejections = {one.command_id: one for one in [await anext(found), await anext(found)]}
        await client.submit_durably("no.such.type", owner="ann", command_id="third")
        third = await anext(found)
        await found.aclose()
    assert rejections.keys() == {"first", "second"}
    assert rejections["first"].status == 422
    assert rejections["first"].next
    assert third.command_id == "third"
    async with asyncio.timeout(WAIT_S):
        last = max(one.position for one in rejections.values())
        assert (await anext(client.rejections(after=last))).command_id == "third"


async def test_a_command_is_kept_while_tidings_is_down() -> None:
    """Here nobody serves: the stream is there, as it is after any start before."""
    with broker() as alone:
        made = await jetstream.connect(alone.url, "test")
        await jetstream.ensure_streams(made.jetstream(), 1)
        async with Client(alone.url, resend_for_s=0) as client:
            with pytest.raises(Unreachable, match="no Tidings"):
                await client.submit(EXPORT, owner="ann")
            await client.submit_durably(EXPORT, owner="ann")
        assert (await made.jetstream().stream_info("TIDINGS_COMMANDS")).state.messages == 1
        await made.close()


async def test_a_restart_of_nats_loses_and_doubles_nothing(way: Way, client: Client, nats: Broker) -> None:
    """Submits, a watch, a worker and a durable command go through a NATS that is killed and begun again."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def handler(ctx: Context) -> None:
        begun.set()
        await go_on.wait()
        await ctx.stage("writing")
        ctx.inline({"rows": 1})

    worker = way.worker(Worker)
    worker.job(EXPORT)(handler)
    working = asyncio.create_task(worker.run())
    job = await client.submit(EXPORT, owner="ann")
    async with asyncio.timeout(WAIT_S):
        await begun.wait()
        ended = asyncio.create_task(client.wait(job))
        nats.kill()
        others = [asyncio.create_task(client.submit(EXPORT, owner="bob", input={"n": n})) for n in range(10)]
        kept = asyncio.create_task(client.submit_durably(EXPORT, owner="eve", command_id="kept"))
        nats.begin()
        go_on.set()
        made = await asyncio.gather(*others)
        await kept
        assert (await ended).state == State.FINISHED.value
        while not (await client.list(owner="eve")).jobs:
            pass
    assert [view.clicks for view in made] == [1] * 10
    assert len((await client.list(owner="bob")).jobs) == 10
    worker.stop()
    await working
