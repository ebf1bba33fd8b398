"""A job service on the test's database."""

from collections.abc import AsyncIterator

import pytest

from eventstore.postgres import Pool
from tests.store.services import Service, serving


@pytest.fixture
async def service(pool: Pool, database: str, partitions: int) -> AsyncIterator[Service]:
    async with serving(pool, database, partitions) as made:
        yield made
