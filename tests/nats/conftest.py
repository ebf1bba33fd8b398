"""A whole service on a database and a NATS server of its own, asked by HTTP and by NATS."""

from collections.abc import AsyncIterator, Iterator

import pytest
from nats.js import JetStreamContext

from eventstore.postgres import Pool
from services.settings import Settings
from tests.api.client import Api
from tests.nats.service import by_http, tidings
from tests.nats_servers import Broker, broker
from tests.store.streams import opened


@pytest.fixture(scope="module")
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture(scope="module")
def settings(database: str, nats: Broker, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        database_url=database,
        nats_url=nats.url,
        files_url=tmp_path_factory.mktemp("files").as_uri(),
        net_s=30,  # so slow that only wake-ups explain what comes soon
    )


@pytest.fixture
async def js(nats: Broker) -> AsyncIterator[JetStreamContext]:
    async with opened(nats.url) as found:
        yield found


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncIterator[str]:
    async with tidings(settings) as found:
        yield found


@pytest.fixture
async def api(url: str, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    """A fresh tenant by HTTP."""
    async with by_http(url, pool, tenant) as found:
        yield found
