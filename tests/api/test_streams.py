"""Live status: the snapshot first, then only newer versions, on every stream and across every cut (promise 4)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.settings import Settings
from tests.api.client import Api


async def test_a_stream_begins_with_the_snapshot_and_goes_on(api: Api) -> None:
    await api.define()
    job = await api.job()
    async with asyncio.timeout(10), api.stream(f"/v1/jobs/{job}/stream") as events:
        first = await anext(events)
        view = await api.view(job)
        assert (first.name, {**first.data, "wait": None}) == ("status", {**view, "wait": None})
        assert first.id == f"0:{await api.head()}.2"
        (assignment,) = await api.claim()
        await api.report(assignment["lease"], "stage", {"name": "reading"})
        await api.report(assignment["lease"], "finish", {"result": {"inline": {}}})
        versions = [2]
        async for event in events:
            versions.append(int(str(event.data["version"])))
            assert event.id.endswith(f".{versions[-1]}")
            if event.data["label"] == "Finished":
                break
    assert versions == sorted(set(versions))
    assert versions[-1] == (await api.view(job))["version"]


async def test_a_stream_says_when_to_come_again(api: Api) -> None:
    await api.define()
    async with api.http.stream("GET", f"/v1/jobs/{await api.job()}/stream") as answer:
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_quiet_stream_is_kept_open(api: Api) -> None:
    await api.define()
    async with asyncio.timeout(10), api.http.stream("GET", f"/v1/jobs/{await api.job()}/stream") as answer:
        assert ": still here" in [line async for line in _first(answer.aiter_lines(), 7)]


async def _first(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    for _ in range(count):
        yield await anext(lines)


async def test_a_stream_resumes_where_it_broke(api: Api) -> None:
    await api.define()
    job = await api.job()
    async with asyncio.timeout(10):
        async with api.stream(f"/v1/jobs/{job}/stream") as events:
            seen = await anext(events)
        await api.submit()
        async with api.stream(f"/v1/jobs/{job}/stream", headers={"Last-Event-ID": seen.id}) as events:
            missed = await anext(events)
            assert missed.data["version"] == 3
        async with api.stream(f"/v1/jobs/{job}/stream", headers={"Last-Event-ID": missed.id}) as events:
            assert (await anext(events)).data["version"] == 3  # nothing was missed: the snapshot again
        ahead = missed.id.rpartition(".")[0] + ".4"  # as if another server had told more already
        async with api.stream(f"/v1/jobs/{job}/stream", headers={"Last-Event-ID": ahead}) as events:
            await api.submit()
            assert (await anext(events)).data["version"] == 4


async def test_an_owners_stream_has_open_jobs_ended_ones_and_new_ones(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    ended = [await api.job(input=n) for n in range(52)]
    for job in ended:
        await api.http.post(f"/v1/jobs/{job}/cancel")
    opened = await api.job(input="open")
    await api.job(owner="bob")
    async with asyncio.timeout(20), api.stream("/v1/stream?owner=ann") as events:
        snapshot = [(await anext(events)).data["id"] for _ in range(51)]
        assert snapshot == [*ended[2:], opened]
        await api.job(owner="bob", input=2)
        new = await api.job(input="new")
        while (event := await anext(events)).data["id"] != new:
            raise AssertionError(event)
        await api.http.post(f"/v1/jobs/{opened}/cancel")
        while (event := await anext(events)).data["id"] != opened:
            assert event.data["id"] == new
        assert event.data["label"] == "Canceled"


async def test_every_watcher_reads_in_its_language(api: Api) -> None:
    await api.define()
    job = await api.job()
    async with asyncio.timeout(10):
        async with (
            api.stream(f"/v1/jobs/{job}/stream", headers={"Accept-Language": "de"}) as german,
            api.stream(f"/v1/jobs/{job}/stream") as english,
        ):
            await anext(german)
            await anext(english)
            await api.submit()
            assert (await anext(german)).data["label"] != (await anext(english)).data["label"]


async def test_a_slow_reader_gets_the_newest_state(api: Api) -> None:
    """Whatever it missed meanwhile, the last thing it reads is what is true."""
    await api.define()
    job = await api.job()
    async with asyncio.timeout(20), api.stream(f"/v1/jobs/{job}/stream") as events:
        await anext(events)
        await asyncio.gather(*(api.submit() for _ in range(100)))
        last = 2
        while last < 102:
            version = int(str((await anext(events)).data["version"]))
            assert version > last
            last = version


async def test_streams_are_bounded(api: Api, settings: Settings) -> None:
    await api.define()
    job = await api.job()
    opened = [asyncio.Event() for _ in range(settings.sse_streams_max)]
    done = asyncio.Event()

    async def hold(here: asyncio.Event) -> None:
        async with api.http.stream("GET", f"/v1/jobs/{job}/stream") as answer:
            assert answer.status_code == 200
            here.set()
            await done.wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for here in opened:
            tasks.create_task(hold(here))
        await asyncio.gather(*(here.wait() for here in opened))
        answer = await api.http.get(f"/v1/jobs/{job}/stream")
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0
        done.set()
    await api.until("tidings_streams", 0)  # closed streams leave their place


@pytest.mark.parametrize("path", ["/v1/jobs/ID/stream", "/v1/stream?owner=ann"])
async def test_a_stream_needs_a_key(api: Api, path: str) -> None:
    answer = await api.http.get(path.replace("ID", "x"), headers={"Authorization": ""})
    assert answer.status_code == 401
