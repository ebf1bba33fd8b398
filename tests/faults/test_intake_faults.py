"""Promise 1 on the way in: commands in the queue are carried out once, whichever process dies while it has them."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventstore.postgres import Pool
from schemas import subjects
from services.keys import create_key
from tests.api.client import Api
from tests.e2e.replicas import Replicas
from tests.nats.service import Sender, events, export
from tests.nats_servers import Broker, broker
from tests.store.streams import opened

MANY = int(os.environ.get("FAULTS_EVENTS", "2000")) // 2
KILLS = 8
SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6)))
NAMES = ("api-0", "api-1")
DONE = "select count(*) from events where tenant = $1 and type = 'JobRequested'"

pytestmark = pytest.mark.long


@pytest.fixture
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


async def publish(sender: Sender) -> None:
    """Each tenth command twice, and each hundredth is one that can't be obeyed."""
    for start in range(0, MANY, 100):
        numbers = range(start, start + 100)
        commands = [sender.send("submit", export(input={"n": n}), f"command-{n}") for n in numbers]
        commands += [sender.send("submit", export(input={"n": n}), f"command-{n}") for n in numbers[::10]]
        await asyncio.gather(*commands, sender.send("submit", b"{", f"bad-{start}"))


async def kill_by_and_by(replicas: Replicas, pool: Pool, tenant: str, chance: random.Random) -> None:
    """Each time another part of the commands is done, one of the two processes dies and comes back."""
    for n in range(KILLS):
        while await pool.fetchval(DONE, tenant) < MANY * n // KILLS:
            pass
        name = chance.choice(NAMES)
        replicas.kill(name)
        await replicas.begin(name)


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("faults")
async def test_each_command_is_carried_out_once_whoever_dies(
    database: str, pool: Pool, nats: Broker, tenant: str, tmp_path: Path
) -> None:
    print(f"again: FAULTS_SEED={SEED} pytest {__file__}")
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant)).key
    async with (
        Replicas(database, nats.url, tmp_path, TIDINGS_APPEND_BATCH_MAX="16") as replicas,
        opened(nats.url) as js,
    ):
        await replicas.begin(*NAMES)
        async with replicas.client("api-0", key) as http:
            await Api(http, tenant, pool).define(dedupe={"for": "never"})
        sender = Sender(js, tenant)
        async with sender.listening() as rejections:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(publish(sender))
                tasks.create_task(kill_by_and_by(replicas, pool, tenant, random.Random(SEED)))
            bad = {f"bad-{start}" for start in range(0, MANY, 100)}
            told = [str((await rejections.next())["command_id"]) for _ in bad]
            assert sorted(told) == sorted(bad), "each is refused once"
            while (await js.stream_info(subjects.COMMANDS_STREAM)).state.messages:
                pass
    assert await events(pool, tenant) == [("JobQueued", MANY), ("JobRequested", MANY)]
