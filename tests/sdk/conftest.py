"""A whole service on a database and a NATS server of its own, spoken to by the SDK over each of its carriers."""

from collections.abc import AsyncIterator, Iterator
from typing import Self, TypeVar

import pytest

from eventstore.postgres import Pool
from services.keys import create_key
from services.server import ROLES
from services.settings import Settings
from tests.nats.service import tidings
from tests.nats_servers import Broker, broker
from tidings import Client, Worker

W = TypeVar("W", bound=Worker)
CARRIERS = ("http", "nats")
EXPORT, IMPORT = "orders.export", "customers.import"
TYPES: dict[str, dict[str, object]] = {
    EXPORT: {"title": "Export", "stages": [{"name": "reading"}, {"name": "writing", "label": "Writing your file"}]},
    IMPORT: {"title": "Import", "stages": [{"name": "checking"}], "lease": 1, "retry": {"attempts": 1}},
}


@pytest.fixture(scope="module")
def nats() -> Iterator[Broker]:
    with broker() as made:
        yield made


@pytest.fixture(scope="module")
async def http_url(database: str, nats: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The running service's address."""
    files = tmp_path_factory.mktemp("files").as_uri()
    settings = Settings(database_url=database, nats_url=nats.url, files_url=files)
    async with tidings(settings, ROLES) as found:
        yield found


class Way:
    """How one tenant reaches the service."""

    def __init__(self, carrier: str, tenant: str, key: str, http_url: str, nats_url: str) -> None:
        self.carrier, self.tenant, self.http_url, self.nats_url = carrier, tenant, http_url, nats_url
        self.api_key = key
        self.url = http_url if carrier == "http" else nats_url

    @classmethod
    async def begin(cls, carrier: str, http_url: str, nats: Broker, pool: Pool, tenant: str) -> Self:
        async with pool.acquire() as conn:
            key = (await create_key(conn, tenant)).key
        found = cls(carrier, tenant, key, http_url, nats.url)
        async with found.client() as client:
            for name, definition in TYPES.items():
                await client.define_type(name, definition)
        return found

    def client(self, actor: str | None = "user:ann") -> Client:
        return Client(self.url, api_key=self.api_key, tenant=self.tenant, http_url=self.http_url, actor=actor)

    def worker(self, kind: type[W]) -> W:
        return kind(self.url, api_key=self.api_key, tenant=self.tenant, http_url=self.http_url, name="w-1",
                    slots=2, wait_s=2, grace_s=0.5)  # fmt: skip


@pytest.fixture(params=CARRIERS)
async def way(request: pytest.FixtureRequest, http_url: str, nats: Broker, pool: Pool, tenant: str) -> Way:
    """A fresh tenant with its types, over this carrier."""
    return await Way.begin(request.param, http_url, nats, pool, tenant)


@pytest.fixture
async def client(way: Way) -> AsyncIterator[Client]:
    async with way.client() as made:
        yield made
