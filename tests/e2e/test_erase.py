"""A person erased from outside, by the real commands on the real stack, and then looked for everywhere."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from eventstore.postgres import open_pool
from schemas import subjects
from tests.api.client import Api
from tests.api.people import FILE, PRIVATE, SECRETS, finished_job, private_job
from tests.e2e.processes import Process, run, stack
from tests.nats.statuses import until, watching
from tests.store.plain_text import found_in_files, found_in_streams, found_in_tables
from tests.store.streams import messages, opened


@asynccontextmanager
async def product(process: Process) -> AsyncIterator[Api]:
    headers = {"Authorization": f"Bearer {process.ready['api_key']}"}
    async with (
        await open_pool(process.ready["database_url"], 2, name="test") as pool,
        httpx.AsyncClient(base_url=process.ready["url"], headers=headers, timeout=30) as http,
    ):
        yield Api(http, process.ready["tenant"], pool)


async def tidings(*arguments: str, data: Path, code: int = 0) -> str:
    """A command's words."""
    ended = await asyncio.to_thread(run, *arguments, "--data", str(data))
    assert ended.returncode == code, ended.stderr
    assert secrets_in(ended.stderr) == []
    return ended.stdout


def secrets_in(text: str) -> list[str]:
    return [word for word in SECRETS if word in text]


async def found_anywhere(process: Process, api: Api, job: str, data: Path) -> list[object]:
    """In the database, in NATS once all is there, and in every file of the stack: uploads, both servers' own, logs."""
    async with opened(process.ready["nats_url"]) as js:
        await messages(js, 0, await api.head())
        async with watching(js, subjects.status(api.tenant, job)) as statuses:
            await until(statuses, int(str((await api.view(job))["version"])))
        in_streams = await found_in_streams(js._nc, SECRETS)
    in_files = await asyncio.to_thread(found_in_files, data, SECRETS)
    return [*await found_in_tables(api.pool, SECRETS), *in_streams, *in_files]


@pytest.mark.long
@pytest.mark.timeout(300)  # seven commands, on a busy machine
async def test_nothing_of_an_erased_person_is_left(data: Path, tmp_path: Path) -> None:
    with stack(data, "--no-demo") as process:
        async with product(process) as api:
            await api.define(private=PRIVATE)
            job, _ = await finished_job(api)
            kept, _ = await finished_job(api, owner="bob", title="Wombat letter")
            open_job = await private_job(api, again=True)
            await api.upload(FILE, "narwhal.csv")
            history = (await api.http.get(f"/v1/jobs/{job}/events")).text

            told = json.loads(await tidings("audit", "erase", "--owner", "ann", "--json", data=data))
            assert told == {"owner": "ann", "erased": True, "jobs_canceled": 1, "files_removed": 4}
            assert "Nothing private of ann" in await tidings("audit", "erase", "--owner", "ann", data=data)

            assert json.loads(await tidings("audit", "verify", "--json", data=data))["ok"] is True
            for language, word in (("en", "Removed"), ("de", "Entfernt")):
                story = await tidings("audit", "replay", job, "--language", language, "--json", data=data)
                assert secrets_in(story) == []
                assert word in story
                view = await api.http.get(f"/v1/jobs/{job}", headers={"Accept-Language": language})
                assert (view.json()["title"], view.json()["state"]) == (word, "finished")
                assert secrets_in(view.text) == []
            assert (await api.view(open_job))["state"] == "canceled"
            assert (await api.http.get(f"/v1/jobs/{job}/result")).status_code == 410

            lines = tmp_path / "lines.ndjson"
            await tidings("audit", "export", "--out", str(lines), data=data)
            assert secrets_in(lines.read_text()) == []
            assert "private:" in lines.read_text()
            assert (await api.http.get(f"/v1/jobs/{job}/events")).text == history
            assert await found_anywhere(process, api, open_job, data) == []

            assert (await api.view(kept))["title"] == "Wombat letter"
            assert (await api.http.get(f"/v1/jobs/{kept}/result")).content == FILE
