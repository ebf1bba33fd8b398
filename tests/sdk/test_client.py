"""The client over HTTP and over NATS: the same words, answers and errors."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.states import State
from tests.sdk.conftest import EXPORT, Way
from tidings import Client, Conflict, Invalid, JobView, NotCarried, NotFound, TidingsError, TookTooLong

WAIT_S = 30


async def test_a_click_and_its_repeat(client: Client) -> None:
    """Promise 2: the second click opens the job of the first."""
    assert await client.find(EXPORT, owner="ann", input={"year": 2026}) is None
    first = await client.submit(EXPORT, owner="ann", input={"year": 2026}, size=50, title="Export of 2026")
    assert (first.state, first.reopened, first.title) == (State.QUEUED.value, False, "Export of 2026")
    again = await client.submit(EXPORT, owner="ann", input={"year": 2026})
    assert (again.id, again.reopened, again.clicks) == (first.id, True, 2)
    assert again.repeat is not None
    assert "already" in again.repeat.text
    found = await client.find(EXPORT, owner="ann", input={"year": 2026})
    assert found is not None
    assert found.id == first.id


async def test_a_job_as_it_is_and_was(client: Client) -> None:
    job = await client.submit(EXPORT, owner="ann", not_before=datetime(2080, 1, 1, tzinfo=UTC))
    gone = await client.cancel(job)
    assert (gone.ended, gone.state) == (True, State.CANCELED.value)
    assert (await client.get(job)).version == gone.version
    assert (await client.get(job.id, at=job.created_at)).version == job.version
    assert (await client.cancel(job)).version == gone.version
    again = await client.retry(job)
    assert (again.ended, again.run) == (False, 2)
    await client.cancel(job)


async def test_a_refusal_is_the_same_error(client: Client) -> None:
    with pytest.raises(NotFound) as unknown:
        await client.get("0193b3c0-0000-7000-8000-000000000000")
    assert unknown.value.problem.next
    with pytest.raises(NotFound):
        await client.get("no.such job")
    with pytest.raises(NotFound):
        async for _ in client.watch("no.such job"):
            pass
    with pytest.raises(Invalid) as wrong:
        await client.submit("no.such.type", owner="ann")
    assert wrong.value.problem.errors[0]["pointer"] == "/type"
    with pytest.raises(Invalid):
        await client.submit(EXPORT, owner="ann", priority=1000)
    job = await client.submit(EXPORT, owner="ann")
    with pytest.raises(Conflict):
        await client.retry(job)


async def test_every_newer_view_and_nothing_older(client: Client) -> None:
    """Promise 4: versions only rise; the last view is the job's end."""
    job = await client.submit(EXPORT, owner="ann")
    seen: list[JobView] = []
    async with asyncio.timeout(WAIT_S):
        async for view in client.watch(job):
            seen.append(view)
            if len(seen) == 1:
                await client.cancel(job)
    versions = [view.version for view in seen]
    assert versions == sorted(versions)
    assert seen[0].version >= job.version
    assert seen[-1].ended
    assert (await client.wait(job)).version == seen[-1].version


async def test_waiting_has_an_end(client: Client) -> None:
    job = await client.submit(EXPORT, owner="ann")
    with pytest.raises(TookTooLong):
        await client.wait(job, timeout_s=0.2)


async def test_who_clicked_is_on_record(client: Client) -> None:
    """The actor and the key of the call go with it, whoever carries it."""
    jobs = await asyncio.gather(*(client.submit(EXPORT, owner="ann", input={"same": True}) for _ in range(20)))
    assert len({job.id for job in jobs}) == 1
    assert (await client.get(jobs[0])).clicks == 20


async def test_what_nats_has_no_verb_for_goes_by_http(client: Client, tmp_path: Path) -> None:
    upload = await client.upload(b"a,b\n1,2\n")
    saved = await client.download_upload(upload.id, to=tmp_path / "copy.csv")
    assert saved.read_bytes() == b"a,b\n1,2\n"
    job = await client.submit(EXPORT, owner="ann", input={"upload": upload.id})
    assert [found.id for found in (await client.list(owner="ann")).jobs] == [job.id]
    assert list(await client.problems(job)) == []


async def test_the_missing_url_is_named(way: Way) -> None:
    async with Client(way.nats_url, tenant=way.tenant) as by_nats:
        with pytest.raises(NotCarried, match="http_url"):
            await by_nats.list()
        with pytest.raises(NotCarried, match="http_url"):
            await by_nats.upload(b"a")
    async with Client(way.http_url, api_key=way.api_key) as by_http:
        with pytest.raises(NotCarried, match="nats://"):
            await by_http.submit_durably(EXPORT, owner="ann")
        with pytest.raises(NotCarried, match="nats://"):
            await anext(by_http.rejections())


async def test_wrong_credentials_are_said(way: Way) -> None:
    url = way.url.replace(":word@", ":wrong@")
    async with Client(url, api_key="wrong", tenant=way.tenant, resend_for_s=0) as stranger:
        with pytest.raises(TidingsError, match=r"key|password"):
            await stranger.submit(EXPORT, owner="ann")
