"""Promise 1 on the way to NATS: whatever dies, the streams equal the log, event by event (seeded, so it repeats)."""

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.stage import EVENTS_OF_A_JOB, stage
from tests.nats_servers import Broker, broker, cluster
from tests.store.streams import assert_equal, opened

pytestmark = pytest.mark.long

EVENTS = int(os.environ.get("FAULTS_EVENTS", "2000"))  # `make test-faults` takes 20,000
SEED = int(os.environ.get("FAULTS_SEED", random.SystemRandom().randrange(10**6)))
KILLS = max(8, EVENTS // 1000)


@pytest.fixture(params=["alone", "cluster"])
def brokers(request: pytest.FixtureRequest) -> Iterator[list[Broker]]:
    with ExitStack() as stack:
        alone = request.param == "alone"
        yield [stack.enter_context(broker())] if alone else [*stack.enter_context(cluster())]


@pytest.fixture
def data() -> Iterator[Path]:
    """Not below pytest's own folder: each start of pytest closes that one to PostgreSQL's account."""
    with tempfile.TemporaryDirectory(prefix="tidings-faults-") as folder:
        yield Path(folder) / "stack"


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("faults")
async def test_the_stream_equals_the_log_whatever_was_killed(data: Path, brokers: list[Broker]) -> None:
    print(f"again: FAULTS_SEED={SEED} FAULTS_EVENTS={EVENTS} pytest {__file__}")
    async with stage(data, brokers, SEED) as made:
        jobs = await made.load(EVENTS, KILLS)
        print("killed:", *made.killed)
        async with made.pool() as pool, opened(made.nats_url) as js:
            found = await assert_equal(pool, js)
            assert len(found) == 1 + jobs * EVENTS_OF_A_JOB, "every accepted job once, and its type"
            assert len({(message.headers or {}).get("Tidings-Job") for message in found}) == 1 + jobs
