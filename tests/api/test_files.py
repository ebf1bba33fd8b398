"""Uploads, results and the files that a person mends."""

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from services.api.outcome import cell
from services.files import SEALED
from tests.api.client import Api

UNKNOWN = "01999999-9999-7999-8999-999999999999"
MIB = 1024 * 1024


async def test_an_upload_comes_back_as_it_was(api: Api) -> None:
    content = bytes(range(256)) * 4 * 4096 * 2  # more than one part of a multi-part upload
    stored = await api.upload(content, 'Zoë\'s "file".csv')
    assert (stored["size"], stored["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    answer = await api.http.get(f"/v1/uploads/{stored['id']}")
    assert answer.content == content
    assert answer.headers["etag"] == f'"{stored["sha256"]}"'
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "filename*=UTF-8''Zo%C3%AB%27s%20%22file%22.csv" in answer.headers["content-disposition"]


async def test_an_empty_file_is_a_file(api: Api) -> None:
    stored = await api.upload(b"")
    assert stored["size"] == 0
    assert (await api.http.get(f"/v1/uploads/{stored['id']}")).content == b""


async def test_too_large_a_file_leaves_nothing(api: Api, folder: Path) -> None:
    for content in (b"x" * (9 * MIB + 1), _chunks(9 * MIB + 1)):
        answer = await api.http.post("/v1/uploads", content=content)
        assert answer.status_code == 413
        assert str(9 * MIB) in answer.json()["errors"][0]["detail"]
    assert _files(folder) == []
    assert await _rows(api) == 0


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MIB + 1):
        yield b"x" * MIB


async def test_a_cut_upload_leaves_nothing(api: Api, url: str, folder: Path) -> None:
    """The connection breaks in the middle: no row, no object."""
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    key = api.http.headers["authorization"]
    head = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nContent-Length: {8 * MIB}\r\n\r\n"
    writer.write(head.encode() + b"x" * (5 * MIB))
    await writer.drain()
    await _until(api, lambda: bool(_files(folder)))  # a part of it is on the disk
    writer.transport.abort()
    await _until(api, lambda: not _files(folder))
    assert await _rows(api) == 0


async def _until(api: Api, condition: Callable[[], bool]) -> None:
    """Let the service work, one answered call after the other, until the folder shows it."""
    async with asyncio.timeout(10):
        while not condition():
            await api.http.get("/healthz")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _rows(api: Api) -> int:
    async with api.pool.acquire() as conn:
        return int(await conn.fetchval("select count(*) from uploads where tenant = $1", api.tenant))


async def test_the_same_key_is_the_same_upload(api: Api, folder: Path) -> None:
    async def put(content: bytes) -> httpx.Response:
        return await api.http.post("/v1/uploads", content=content, headers={"Idempotency-Key": "k"})

    first, second = await asyncio.gather(put(b"a"), put(b"a"))
    assert [first.status_code, second.status_code] == [201, 201]
    assert first.json() == second.json()
    assert (await put(b"b")).status_code == 422
    assert len(_files(folder)) == 1


async def test_a_part_of_a_file(api: Api) -> None:
    upload = (await api.upload(b"0123456789"))["id"]
    path = f"/v1/uploads/{upload}"
    for asked, status, content in [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-99", 206, b"56789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=4-2", 416, b""),
        ("bytes=10-", 416, b""),
    ]:
        answer = await api.http.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (status, content), asked
    answer = await api.http.get(path, headers={"Range": "bytes=2-4", "If-Range": '"other"'})
    assert answer.status_code == 200
    assert (await api.http.get(path, headers={"If-None-Match": answer.headers["etag"]})).status_code == 304


async def test_a_plain_link_downloads_the_result(api: Api) -> None:
    await api.define()
    job = await api.finished(b"a,b\n")
    link = (await api.http.get(f"/v1/jobs/{job}")).json()["result"]["href"]
    keyless = {"Authorization": ""}
    answer = await api.http.get(link, headers=keyless)
    assert (answer.status_code, answer.content) == (200, b"a,b\n")
    assert 'filename="orders.csv"' in answer.headers["content-disposition"]
    assert (await api.http.get(link)).status_code == 200
    assert (await api.http.get(f"/v1/jobs/{job}/result")).status_code == 200
    expires = int(link.partition("exp=")[2].partition("&")[0])
    for forged in [
        f"/v1/jobs/{job}/result",
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link.replace(str(expires), str(expires + 1)),
        link.replace(str(expires), "1"),
        link.replace(f"sig={api.tenant}", "sig=other"),
        link.replace("/result", "/problems"),
        link.replace("/result", "/events"),
        link.replace("/result", ""),
    ]:
        assert (await api.http.get(forged, headers=keyless)).status_code == 401, forged


async def test_there_is_no_result_before_the_end(api: Api) -> None:
    await api.define()
    answer = await api.http.get(f"/v1/jobs/{await api.job()}/result")
    assert answer.status_code == 404


async def test_finished_means_that_the_result_is_there(api: Api, folder: Path) -> None:
    """A result whose file is gone or changed is refused, and the job still runs."""
    await api.define()
    await api.job()
    (assignment,) = await api.claim()
    gone, changed = await api.upload(b"gone"), await api.upload(b"changed")
    (folder / f"{gone['id']}{SEALED}").unlink()
    (folder / f"{changed['id']}{SEALED}").write_bytes(b"CHANGED")
    before = await api.head()
    for upload in (gone, changed):
        answer = await api.report(assignment["lease"], "finish", {"result": {"upload": upload["id"]}})
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/result-missing")
    assert await api.head() == before
    assert (await api.report(assignment["lease"], "heartbeat")).status_code == 200


async def test_results_elsewhere_and_inline(api: Api) -> None:
    await api.define()
    elsewhere, inline = await api.job(input=1), await api.job(input=2)
    leases = {assignment["job"]: assignment["lease"] for assignment in await api.claim(most=2)}
    link = {"href": "https://store.test/f.csv", "sha256": "0" * 64, "size": 5}
    assert (await api.report(leases[elsewhere], "finish", {"result": link})).status_code == 200
    assert (await api.report(leases[inline], "finish", {"result": {"inline": {"n": 1}}})).status_code == 200
    answer = await api.http.get(f"/v1/jobs/{elsewhere}/result")
    assert (answer.status_code, answer.headers["location"]) == (302, link["href"])
    assert (await api.http.get(f"/v1/jobs/{inline}/result")).json() == {"n": 1}


async def test_the_problem_rows_as_a_file_to_mend(api: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    items = [
        {"row": 17, "column": "start_date", "reason": "is not a date", "value": '=HYPERLINK("http://x")'},
        {"row": 4, "column": "email", "reason": "is missing"},
        {"id": "note-9", "reason": "timed out", "value": {"text": "a, b"}},
    ]
    await api.report(assignment["lease"], "problems", {"items": items})
    page = (await api.http.get(f"/v1/jobs/{job}/problems")).json()
    assert [(item["row"], item["id"], item["state"], item["run"]) for item in page["items"]] == [
        (4, "4", "failed", 1), (17, "17", "failed", 1), (None, "note-9", "failed", 1),
    ]  # fmt: skip
    answer = await api.http.get(f"/v1/jobs/{job}/problems", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["row", "column", "reason", "value", "id"],
        ["4", "email", "is missing", "", "4"],
        ["17", "start_date", "is not a date", '\'=HYPERLINK("http://x")', "17"],
        ["", "", "timed out", '{"text":"a, b"}', "note-9"],
    ]
    actions = (await api.http.get(f"/v1/jobs/{job}")).json()["actions"]
    (link,) = [action["href"] for action in actions if action["name"] == "download_problems"]
    by_link = await api.http.get(link, headers={"Authorization": "", "Accept": "text/html, */*"})
    assert by_link.text == answer.text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("=1+1", "'=1+1"), ("+49 151", "'+49 151"), ("-2+3", "'-2+3"), ("@sum", "'@sum"), ("\tx", "'\tx"),
        ("-5", "-5"), ("+3.5", "+3.5"), (-5, "-5"), ("plain", "plain"), (None, ""), (True, "true"),
    ],
)  # fmt: skip
def test_a_cell_never_runs(value: object, shown: str) -> None:
    assert cell(value) == shown


async def test_the_ledger_is_paged(api: Api) -> None:
    await api.define()
    job = await api.job()
    (assignment,) = await api.claim()
    await api.report(assignment["lease"], "problems", {"items": [{"row": n, "reason": "bad"} for n in range(1, 26)]})
    found, params = [], {"limit": "10", "state": "failed"}
    while True:
        page = (await api.http.get(f"/v1/jobs/{job}/items", params=params)).json()
        found += [item["row"] for item in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert found == list(range(1, 26))
    assert (await api.http.get(f"/v1/jobs/{job}/items", params={"state": "ready"})).json()["items"] == []
