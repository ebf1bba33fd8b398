"""The SDK's client, against a real HTTP server of a few lines."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

import tidings
from tests.unit.small_service import Asked, Said, said, small_service
from tidings import Client, Conflict, Invalid, LeaseOutdated, NotFound, Unavailable, Unreachable, _errors
from tidings._errors import refusal
from tidings._events import sse

MOMENT = "2026-11-25T01:00:00.000000Z"


def view(version: int, **changes: object) -> dict[str, object]:
    plain = {"id": "j1", "ref": "EX-7F3K9MQ2", "type": "orders.export", "title": "Export", "owner": "ann"}
    words = {"state": "?", "label": "Running", "sentence": "Reading rows.", "new_field": "ignored"}
    return {**plain, **words, "version": version, "created_at": MOMENT, "updated_at": MOMENT, **changes}


def event(version: int, **changes: object) -> bytes:
    data = msgspec.json.encode(view(version, **changes))
    return b"event: status\nid: 0:%d.%d\ndata: %s\n\n" % (version, version, data)


def stream(*events: bytes, breaks: bool = True) -> Said:
    return Said(200, b"retry: 2000\n\n: hello\n\n" + b"".join(events), {"content-type": "text/event-stream"}, breaks)


async def test_a_resend_carries_the_key_of_its_call() -> None:
    """Promise 2: a submit whose answer was lost can't become a second job."""
    keys: list[str] = []

    async def answer(asked: Asked) -> Said | None:
        keys.append(asked.headers["idempotency-key"])
        return [None, said({"status": 503}, 503), said(view(1), 201)][min(len(keys) - 1, 2)]

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        job = await client.submit("orders.export", owner="ann")
        await client.submit("orders.export", owner="ann")
    assert job.id == "j1"
    assert keys[0] == keys[1] == keys[2] != keys[3]


async def test_a_stream_is_sent_once_and_a_file_again(tmp_path: Path) -> None:
    bodies: list[bytes] = []

    async def answer(asked: Asked) -> Said | None:
        bodies.append(asked.body)
        return None if len(bodies) < 3 else said({"id": "u1", "sha256": "0" * 64, "size": 4}, 201)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    file = tmp_path / "file"
    file.write_bytes(b"abcd")
    async with small_service(answer) as url, Client(url, api_key="k") as client:
        with pytest.raises(Unreachable):
            await client.upload(chunks())
        assert (await client.upload(file)).id == "u1"
    assert bodies == [b"abcd"] * 3


async def test_an_upload_says_whose_it_is() -> None:
    asked: list[Asked] = []

    async def answer(call: Asked) -> Said:
        asked.append(call)
        return said({"id": "u1", "sha256": "0" * 64, "size": 1}, 201)

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        await client.upload(b"a", owner="Zoë & co")
        await client.upload(b"a", job="j1")
    assert [(call.path, call.headers.get("tidings-job")) for call in asked] == [
        ("/v1/uploads?owner=Zo%C3%AB+%26+co", None),
        ("/v1/uploads", "j1"),
    ]


async def test_no_answer_is_said_after_the_time_for_resends() -> None:
    async def answer(_: Asked) -> Said | None:
        return None

    async with small_service(answer) as url, Client(url, api_key="k", resend_for_s=0) as client:
        with pytest.raises(Unreachable, match="No answer"):
            await client.get("j1")


async def test_find_starts_nothing_and_knows_nothing() -> None:
    async def answer(asked: Asked) -> Said:
        assert (asked.method, asked.path) == ("POST", "/v1/jobs/find")
        return Said(204)

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        assert await client.find("orders.export", owner="ann") is None


async def test_watch_resumes_where_it_broke_and_never_goes_back() -> None:
    marks: list[str | None] = []

    async def answer(asked: Asked) -> Said:
        marks.append(asked.headers.get("last-event-id"))
        if len(marks) == 1:
            return stream(event(3), event(2), event(4))
        wait = b'event: wait\ndata: {"id": "j1", "version": 4, "wait": {"text": "Soon."}}\n\n'
        return stream(event(4), wait, event(5, finished_at=MOMENT), breaks=False)

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        seen = [job async for job in client.watch("j1")]
    assert [job.version for job in seen] == [3, 4, 4, 5]
    assert seen[2].wait is not None
    assert seen[2].wait.text == "Soon."
    assert seen[-1].ended
    assert marks == [None, "0:4.4"]


async def test_watch_falls_back_to_the_long_poll() -> None:
    """Where a proxy swallows streams the same views come by asking."""
    asked_for: list[str] = []

    async def answer(asked: Asked) -> Said:
        if asked.path.endswith("/stream"):
            return stream()
        asked_for.append(asked.path)
        return [said(view(1)), Said(304), said(view(2, finished_at=MOMENT))][len(asked_for) - 1]

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        assert [job.version async for job in client.watch("j1")] == [1, 2]
    assert asked_for == ["/v1/jobs/j1", *["/v1/jobs/j1?after=1&wait=20.0"] * 2]


async def test_wait_ends_when_a_person_is_needed() -> None:
    async def answer(_: Asked) -> Said:
        running = {"text": "4 rows need attention", "still_running": True}
        return stream(event(1, problem=running), event(2, problem={**running, "still_running": False}))

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        job = await client.wait("j1")
    assert job.version == 2
    assert job.needs_person
    assert not job.ended


async def test_a_retry_says_all_that_it_confirms() -> None:
    bodies: list[dict[str, object]] = []

    async def answer(asked: Asked) -> Said:
        bodies.append(asked.read(dict[str, object]))
        plan = {"scope": "failed_items", "runs": {"count": 1, "ids": ["17"]}, "text": "1 row.", "plan": "abc"}
        return (
            said({"type": "…/confirm-first", "status": 409, "plan": plan}, 409) if len(bodies) == 1 else said(view(9))
        )

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        with pytest.raises(Conflict) as refused:
            await client.retry("j1", scope="failed_items", input={"rows": []})
        plan = refused.value.plan
        assert plan is not None
        assert plan.runs == {"count": 1, "ids": ["17"]}
        await client.retry("j1", scope="failed_items", input={"rows": []}, confirm=True, plan=plan)
    assert bodies[1] == {"scope": "failed_items", "confirm": True, "plan": "abc", "input": {"rows": []}}


async def test_pages_of_items_are_read_to_the_end() -> None:
    async def answer(asked: Asked) -> Said:
        last = "cursor=c2" in asked.path
        return said({"items": [{"id": 2 if last else 1, "state": "failed"}], "next": None if last else "c2"})

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        assert [item.id for item in await client.items("j1", state="failed")] == [1, 2]


async def test_a_download_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    tries: list[bool] = []

    async def answer(_: Asked) -> Said:
        tries.append((tmp_path / "out.csv").exists())
        return Said(200, b"a,b\n", breaks=len(tries) == 1)

    async with small_service(answer) as url, Client(url, api_key="k") as client:
        saved = await client.download("j1", to=tmp_path / "out.csv")
    assert saved.read_bytes() == b"a,b\n"
    assert tries == [False, False]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (409, Conflict), (422, Invalid), (503, Unavailable), (500, Unavailable)]
)
def test_a_refusal_is_what_its_status_says(status: int, kind: type[Exception]) -> None:
    assert type(refusal(status, b"<html>")) is kind


def test_a_refusal_reads_as_what_happened_and_what_to_do() -> None:
    body = {"type": "…/invalid", "detail": "One field is wrong.", "next": "Mend it.",
            "errors": [{"pointer": "/owner", "detail": "is missing"}]}  # fmt: skip
    assert str(refusal(422, msgspec.json.encode(body))) == "One field is wrong.\n/owner: is missing\nMend it."
    assert isinstance(refusal(409, b'{"type": "/problems/lease-outdated"}'), LeaseOutdated)


def test_every_error_says_the_next_step_and_stands_in_the_tree() -> None:
    for name, kind in vars(_errors).items():
        if isinstance(kind, type) and issubclass(kind, tidings.TidingsError):
            assert name in (_errors.__doc__ or "")
            assert kind is tidings.TidingsError or "Next:" in (kind.__doc__ or "")
            assert name in tidings.__all__


@pytest.mark.parametrize("cut", [1, 3, 1000])
async def test_events_are_whole_however_the_bytes_arrive(cut: int) -> None:
    text = "event: status\nid: 0:1.1\ndata: {\ndata: }\n\n: hello\n\nretry: 2000\n\r\ndata: ü\r\n\r\n".encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(text), cut):
            yield text[start : start + cut]

    found = [(one.name, one.data, one.id) async for one in sse(chunks())]
    assert found == [("status", "{\n}", "0:1.1"), ("message", "ü", "")]
