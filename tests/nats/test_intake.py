"""The command queue: everything is carried out once or refused in words, whatever happened meanwhile."""

import asyncio
import json

import pytest
from nats.js import JetStreamContext

from eventstore.postgres import Pool
from schemas import subjects
from services.nats.intake import ensure_queue
from services.settings import Settings
from tests.api.client import EXPORT, Api, Json
from tests.nats.service import Sender, by_http, events, export, tidings
from tests.nats_servers import Broker
from tests.store.streams import opened

MANY, BAD = 10_000, 100
NOBODY = "01930000-0000-7000-8000-000000000000"

REFUSED: list[tuple[str, bytes, int, str]] = [
    ("submit", b"{", 422, ""),
    ("submit", b"\xff\xfe", 422, ""),
    ("submit", b'{"type": "orders.export"}', 422, "/owner"),
    ("submit", export(type="no.such"), 422, "/type"),
    ("submit", export(input={"upload": NOBODY}), 422, "/input/upload"),
    ("submit", export(input={"upload": "Ann's secret"}), 422, "/input/upload"),
    ("submit", export(input={"n": 2**60 + 1}), 422, "/input/n"),
    ("submit", export(input="x" * 300_000), 413, "/input"),
    ("submit", b'{"type": "orders.export", "owner": ' + b"[" * 100_000, 422, "/owner"),
    ("cancel", json.dumps({"job": NOBODY}).encode(), 422, "/job"),
    ("retry", json.dumps({"job": "no id"}).encode(), 422, "/job"),
    ("cancel", b"{}", 422, "/job"),
    ("cancel", json.dumps({"command_id": "never-sent"}).encode(), 422, "/command_id"),
    ("explode", b"{}", 422, "verb"),
]


async def test_what_came_while_tidings_was_down_is_carried_out_once(
    settings: Settings, pool: Pool, js: JetStreamContext, tenant: str
) -> None:
    """10,000 commands, 100 bad ones among them; each tenth is published twice and each kind of mistake is told."""
    async with tidings(settings) as url, by_http(url, pool, tenant) as api:
        await api.define(dedupe={"for": "never"})
    sender = Sender(js, tenant)
    async with sender.listening() as rejections:
        bad = {f"bad-{n}": REFUSED[n % len(REFUSED)] for n in range(BAD)}
        for start in range(0, MANY, 1000):
            commands = [
                sender.send("submit", export(input={"n": n}), f"command-{n}") for n in range(start, start + 1000)
            ]
            commands += [
                sender.send("submit", export(input={"n": n}), f"command-{n}") for n in range(start, start + 100)
            ]
            mistakes = [
                sender.send(verb, body, id_) for id_, (verb, body, _, _) in list(bad.items())[start // 100 :][:10]
            ]
            await asyncio.gather(*commands, *mistakes)
        async with tidings(settings):
            told = {str(problem["command_id"]): problem for problem in [await rejections.next() for _ in bad]}
            await sender.send("explode", b"", "the last")
            assert (await rejections.next())["command_id"] == "the last"
    assert told.keys() == bad.keys()
    for id_, (_, _, status, pointer) in bad.items():
        problem = told[id_]
        assert (problem["status"], problem["errors"][0]["pointer"]) == (status, pointer)  # type: ignore[index]
        assert problem["next"]
        assert "secret" not in str(problem), "what was sent may be private"
        assert str(2**60 + 1) not in str(problem)
    assert await events(pool, tenant) == [("JobQueued", MANY), ("JobRequested", MANY)]
    assert (await js.stream_info(subjects.COMMANDS_STREAM)).state.messages == 0


async def test_a_command_counts_once_however_often_it_comes(api: Api, js: JetStreamContext) -> None:
    """NATS drops what is sent again soon; the log remembers when NATS no longer does."""
    await api.define(dedupe={"for": "never"})
    sender = Sender(js, api.tenant)
    async with sender.listening() as rejections:
        for n in range(3):
            await sender.send("submit", export(), "same", **{"Idempotency-Key": "key"})
            await sender.send("submit", export(), f"other-{n}", **{"Idempotency-Key": "key"})
            await sender.send("none", b"", f"round-{n}")
            assert (await rejections.next())["command_id"] == f"round-{n}"
            await js.delete_stream(subjects.COMMANDS_STREAM)  # and with it NATS' memory, under the running service
            await ensure_queue(js, 1)
        await sender.send("submit", export(owner="bob"), "same")
        reused = await rejections.next()
        assert (reused["command_id"], reused["status"]) == ("same", 422)
    again = await api.http.post("/v1/jobs", content=export(), headers={"Idempotency-Key": "key"})
    assert again.status_code == 201
    assert await events(api.pool, api.tenant) == [("JobQueued", 1), ("JobRequested", 1)]


async def test_a_job_is_named_by_its_submit(api: Api, js: JetStreamContext) -> None:
    """Submit, cancel and retry sent at once are carried out in this order; each says who asked."""
    await api.define()
    sender = Sender(js, api.tenant)
    async with sender.listening() as rejections:
        named = json.dumps({"command_id": "c-1"}).encode()
        await sender.send("submit", export(), "c-1", **{"Tidings-Actor": "user:ann"})
        await sender.send("cancel", named, "c-2")
        await sender.send("retry", named, "c-3")
        await sender.send("none", b"", "end")
        assert (await rejections.next())["command_id"] == "end"
    (job,) = await jobs(api)
    assert (await api.history(job))[:4] == ["JobRequested", "JobQueued", "CancelRequested", "JobCanceled"]
    first = (await api.http.get(f"/v1/jobs/{job}/events")).json()["events"][0]
    assert first["actor"] == {"kind": "user", "id": "ann"}
    assert "RetryRequested" in await api.history(job)


async def test_a_refusal_is_the_one_of_http(api: Api, js: JetStreamContext) -> None:
    """The same words for the same mistake, and the plan where a retry must be confirmed."""
    await api.define(retry={"safety": "may_charge"})
    job = await api.job()
    await api.http.post(f"/v1/jobs/{job}/cancel")
    sender = Sender(js, api.tenant)
    async with sender.listening() as rejections:
        await sender.send("retry", json.dumps({"job": job}).encode(), "r")
        await sender.send("submit", b'{"type": "orders.export", "owner": 1}', "s", **{"Accept-Language": "de"})
        told = {problem.pop("command_id"): problem for problem in [await rejections.next(), await rejections.next()]}
    by_http_ = await api.http.post(f"/v1/jobs/{job}/retry")
    assert told["r"] == by_http_.json()
    assert told["r"]["plan"]
    wrong = await api.http.post("/v1/jobs", json={"type": EXPORT, "owner": 1}, headers={"Accept-Language": "de"})
    assert told["s"] == wrong.json()


@pytest.mark.parametrize("headers", [{}, {"Status": "404"}, {"Status": "503", "Description": "Consumer Deleted"}])
async def test_any_message_is_a_command(api: Api, js: JetStreamContext, headers: dict[str, str]) -> None:
    """One without an id counts by its place in the queue; none can be taken for a word of the server."""
    await api.define()
    sender = Sender(js, api.tenant)
    async with sender.listening() as rejections:
        await sender.send("submit", export(), **headers)
        await sender.send("submit", b"", **headers)
        refused = await rejections.next()
    assert refused["errors"][0]["pointer"] == "/type"  # type: ignore[index]
    assert len(await jobs(api)) == 1


@pytest.mark.parametrize("subject", ["commands.No_Tenant.submit", "commands.a", "commands.x.submit.more"])
async def test_a_subject_that_can_not_be_is_refused(url: str, js: JetStreamContext, subject: str) -> None:
    del url
    sender = Sender(js, subject.split(".")[1])
    async with sender.listening() as rejections:
        await js.publish(f"{subjects.ROOT}.{subject}", export())
        assert (await rejections.next())["errors"][0]["pointer"] in {"tenant", "verb"}  # type: ignore[index]


async def test_several_processes_share_the_queue(
    settings: Settings, url: str, pool: Pool, nats: Broker, tenant: str
) -> None:
    """Each job is canceled by its submit's id, whichever process took which of the two."""
    pairs = 500
    async with tidings(settings), by_http(url, pool, tenant) as api, opened(nats.url) as js:
        await api.define(dedupe={"for": "never"})
        sender = Sender(js, tenant)
        async with sender.listening() as rejections:
            for n in range(pairs):
                named = json.dumps({"command_id": f"s-{n}"}).encode()
                await asyncio.gather(sender.send("submit", export(), f"s-{n}"), sender.send("cancel", named, f"c-{n}"))
            await sender.send("cancel", json.dumps({"command_id": "never"}).encode(), "the last")
            assert (await rejections.next())["command_id"] == "the last"
    counted = dict(await events(pool, tenant))
    assert counted == dict.fromkeys(("JobRequested", "JobQueued", "CancelRequested", "JobCanceled"), pairs)


async def jobs(api: Api) -> list[str]:
    found: list[Json] = (await api.http.get("/v1/jobs")).json()["jobs"]
    return [str(job["id"]) for job in found]
