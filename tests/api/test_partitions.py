"""The same API over four logs: tenants meet their own partition everywhere, and nothing else."""

import asyncio

import pytest

from eventstore.partitions import partition_of
from services.settings import Settings
from tests.api.client import Api


@pytest.fixture(scope="module")
def partitions() -> int:
    return 4


@pytest.fixture(scope="module")
def settings(database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(database_url=database, files_url=tmp_path_factory.mktemp("files").as_uri(), partitions=4, net_s=30)


@pytest.mark.parametrize("attempt", range(6))
async def test_a_job_on_its_partition(api: Api, attempt: int) -> None:
    """Whichever of the four this tenant has."""
    await api.define()
    waiting = asyncio.create_task(api.claim(wait=20))
    await api.until("tidings_waiting_claims", 1)
    answer = await api.submit(input={"upload": (await api.upload(b"x"))["id"]})
    job = answer.json()["id"]
    assert answer.headers["tidings-position"].partition(":")[0] == str(partition_of(api.tenant, 4))
    async with asyncio.timeout(10):
        (assignment,) = await waiting
        async with api.stream(f"/v1/jobs/{job}/stream") as events:
            assert (await anext(events)).data["version"] == 3
            await api.report(assignment["lease"], "finish", {"result": {"inline": {"attempt": attempt}}})
            async for event in events:
                if event.data["label"] == "Finished":
                    break
    listed = (await api.http.get("/v1/jobs")).json()["jobs"]
    assert [each["id"] for each in listed] == [job]
    link = listed[0]["result"]["href"]
    assert (await api.http.get(link, headers={"Authorization": ""})).json() == {"attempt": attempt}
