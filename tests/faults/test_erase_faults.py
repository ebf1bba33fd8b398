"""kill -9 before a file is removed: whatever was on its way out is gone after the next start."""

import asyncio
import hashlib
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventstore.postgres import open_pool
from schemas.ids import uuid7
from tests.api.client import Api
from tests.api.people import FILE, PRIVATE, SECRETS
from tests.e2e.processes import Process, run, stack
from tests.store.plain_text import found_in_files

CRASH = {"TIDINGS_CRASH_AT": "sweep.before_removal:1"}
_CLEAR = """insert into uploads (partition, tenant, id, sha256, size, name, sealed)
    values (0, 'default', $1, $2, $3, 'list.csv', false)"""


@pytest.fixture
def data() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tidings-erase-"))
    yield path / "stack"
    shutil.rmtree(path, ignore_errors=True)


@asynccontextmanager
async def product(process: Process) -> AsyncIterator[Api]:
    headers = {"Authorization": f"Bearer {process.ready['api_key']}"}
    async with (
        await open_pool(process.ready["database_url"], 2, name="test") as pool,
        httpx.AsyncClient(base_url=process.ready["url"], headers=headers, timeout=30) as http,
    ):
        yield Api(http, "default", pool)


def objects(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "files" / "default").rglob("*") if path.is_file())


def put(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


async def until_swept(api: Api) -> None:
    """The orchestrator does it at its start."""
    async with asyncio.timeout(60):
        while await api.pool.fetchval("select exists (select from file_removals)"):
            await api.http.get("/healthz")


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_plain_object_never_outlives_its_encrypted_one(data: Path) -> None:
    upload = uuid7()
    with stack(data, "--no-demo", **CRASH) as process:
        async with product(process) as api:
            await api.define(private=PRIVATE)
            put(data / "files" / "default" / upload, FILE)  # as an older version left it
            await api.pool.execute(_CLEAR, upload, hashlib.sha256(FILE).hexdigest(), len(FILE))
            with pytest.raises(httpx.TransportError):
                await api.submit(input={"upload": upload})
            assert process.popen.wait(30) == -signal.SIGKILL
    assert objects(data) == sorted([upload, f"{upload}.sealed"])
    with stack(data, "--no-demo") as process:
        async with product(process) as api:
            await until_swept(api)
            assert objects(data) == [f"{upload}.sealed"]
            assert found_in_files(data / "files", SECRETS) == []
            await api.job(input={"upload": upload})
            assert (await api.http.get(f"/v1/uploads/{upload}")).content == FILE


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_an_erased_person_s_files_go_although_the_command_died(data: Path) -> None:
    with stack(data, "--no-demo") as process:
        async with product(process) as api:
            await api.define(private=PRIVATE)
            upload = str((await api.upload(FILE))["id"])
            await api.job(input={"upload": upload})
            ended = await asyncio.to_thread(run, "audit", "erase", "--owner", "ann", "--data", str(data), **CRASH)
            assert ended.returncode == -signal.SIGKILL
            assert objects(data) == [f"{upload}.sealed"]
            assert (await api.http.get(f"/v1/uploads/{upload}")).status_code == 404
    with stack(data, "--no-demo") as process:
        async with product(process) as api:
            await until_swept(api)
            assert objects(data) == []
            assert (await api.http.get(f"/v1/uploads/{upload}")).status_code == 404
            assert await api.pool.fetchval("select count(*) from file_keys") == 0
