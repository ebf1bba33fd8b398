"""Nothing private is ever kept in NATS: not while the person is there, and not when they are erased."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from nats.js import JetStreamContext

from eventstore.postgres import Pool
from schemas import subjects
from services.keys import create_key
from services.server import ROLES
from services.settings import Settings
from tests.api.client import Api
from tests.api.people import FILE, PRIVATE, SECRETS
from tests.nats.service import Caller, Sender, export, tidings
from tests.nats.statuses import last, until, watching
from tests.nats_servers import Broker
from tests.store.plain_text import found_in_files, found_in_streams, found_in_tables, kept
from tests.store.streams import messages

# The same by NATS: what is refused is told in a stream that keeps it for days.
REFUSED = {
    "number": export(input={"zebrafinch": {"numbat": 2**60}}),
    "upload": export(input={"zebrafinch": [{"upload": "okapi@example"}]}),
    "no json": b'{"type": "orders.export", "owner": "ann", "input": {"zebrafinch": NaN}}',
    "settings": export(settings={"filter": {"numbat": 2**60}}),
    "title": export(title=["Quokka letter"]),
    "late": json.dumps({"job": "no id", "input": {"numbat": "zebrafinch"}}).encode(),
}


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncIterator[str]:
    """Every role, the relay too."""
    async with tidings(settings, ROLES) as found:
        yield found


@pytest.fixture
async def admin(url: str, pool: Pool, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant, ("admin", "audit"))).key
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        yield http


async def everything_said(api: Api, js: JetStreamContext) -> str:
    """A job of ann's by NATS with every private field there is, through every kind of report, and finished."""
    sender, caller = Sender(js, api.tenant), Caller(js._nc, api.tenant)
    upload = (await api.upload(FILE, "list.csv"))["id"]
    asked = {"input": {"upload": upload, "prompt": "zebrafinch"}, "settings": {"filter": "numbat"}}
    await sender.send("submit", export(title="Quokka letter", **asked), "first")
    (given,) = await api.claim(wait=20)
    job, lease = str(given["job"]), given["lease"]
    assert given["input"] == asked["input"]
    await api.report(lease, "problems", {"items": [{"reason": "axolotl says no", "value": "okapi@example"}]})
    await api.report(lease, "needs-fix", {"text": "axolotl says no", "reason": "numbat", "next": "numbat"})
    await sender.send(
        "retry", json.dumps({"job": job, "scope": "all", "input": {"prompt": "zebrafinch"}}).encode(), "2"
    )
    (given,) = await api.claim(wait=20)
    words = {"reason": "axolotl says no", "text": "axolotl says no", "retryable": True}
    failed = {"lease": given["lease"], "verb": "fail", "body": words}
    await caller.ask("report", {"worker": "w-1", "reports": [failed]})
    (given,) = await api.claim(wait=20)
    result = {"upload": (await api.upload(FILE, "narwhal.csv"))["id"]}
    assert (await api.report(given["lease"], "finish", {"result": result})).status_code == 200
    return job


async def all_published(api: Api, js: JetStreamContext, job: str) -> None:
    """The log is in its stream, the job's last status on its subject."""
    await messages(js, 0, await api.head())
    async with watching(js, subjects.status(api.tenant, job)) as statuses:
        await until(statuses, int(str((await api.view(job))["version"])))


async def test_no_stream_ever_holds_what_is_private(
    api: Api, admin: httpx.AsyncClient, js: JetStreamContext, pool: Pool, nats: Broker
) -> None:
    await api.define(private=PRIVATE, retry={"backoff": {"first": 0}})
    sender, caller = Sender(js, api.tenant), Caller(js._nc, api.tenant)
    async with sender.listening() as rejections:
        for name, body in REFUSED.items():
            await sender.send("retry" if name == "late" else "submit", body, name)
        told = [await rejections.next() for _ in REFUSED]
    assert {str(each["command_id"]) for each in told} == REFUSED.keys()
    job = await everything_said(api, js)
    assert (await api.view(job))["title"] == "Quokka letter"
    await all_published(api, js, job)
    assert await found_in_streams(js._nc, SECRETS) == []
    assert [message async for message in kept(js._nc) if b"private:" in (message.data or b"")], "it looked at them"

    open_job = str((await api.submit(title="Quokka letter", input={"prompt": "zebrafinch"}, again=True)).json()["id"])
    assert (await admin.post("/v1/audit/erase", json={"owner": "ann"})).json()["jobs_canceled"] == 1
    await all_published(api, js, open_job)
    assert await found_in_streams(js._nc, SECRETS) == []
    assert await found_in_tables(pool, SECRETS) == []
    status = await last(js, api.tenant, job)
    assert status
    assert status.view["title"] == "Export"
    assert (await caller.ask("get", {"job": job})).body["title"] == "Removed"
    async with asyncio.timeout(20):  # what was obeyed is off the disk as well, once nothing else waits
        while found_in_files(nats.store, SECRETS):
            await js.stream_info(subjects.COMMANDS_STREAM)
    assert (await js.stream_info(subjects.COMMANDS_STREAM)).state.messages == 0


async def test_a_refused_command_still_says_where_it_is_wrong(api: Api, js: JetStreamContext) -> None:
    """Where nothing of the tenant is private down to the field, whose name may be data too."""
    sender = Sender(js, api.tenant)
    async with sender.listening() as rejections:
        pointers = []
        for private in ([], PRIVATE):
            await api.define(private=private)
            await sender.send("submit", export(input={"wombat": {"emu": 2**60}}), f"a command with {len(private)}")
            problem = await rejections.next()
            pointers.append(problem["errors"][0]["pointer"])  # type: ignore[index]
    assert pointers == ["/input/wombat/emu", "/input"]
