"""Whose a file is: encrypted from its first byte, gone with its last person, and nobody else's loss."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from eventstore.postgres import Pool
from schemas.ids import uuid7
from services.commands.erase import erase
from services.files import Files
from services.private.sweep import Sweeper
from services.settings import Settings
from tests.api.client import EXPORT, Api
from tests.api.people import FILE, PRIVATE, SECRETS, private_job
from tests.store.plain_text import found_in_files, found_in_tables

PLAIN = "plain.type"

_ON_THE_WAY = """select count(*) from file_keys k where tenant = $1
    and not exists (select from uploads u where u.partition = k.partition and u.id = k.upload)"""


async def erased(admin: httpx.AsyncClient, owner: str = "ann") -> int:
    """How many files went."""
    answer = await admin.post("/v1/audit/erase", json={"owner": owner})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["files_removed"])


async def sent(api: Api, content: bytes = FILE, name: str = "list.csv", **whose: str) -> str:
    answer = await api.http.post("/v1/uploads", content=content, params={"name": name, **whose})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def readable(api: Api, upload: str) -> bool:
    answer = await api.http.get(f"/v1/uploads/{upload}")
    assert answer.status_code in {200, 404, 410}
    return answer.status_code == 200


async def from_before(api: Api, folder: Path, content: bytes = FILE) -> str:
    """A file as versions kept it that did not encrypt each: what they wrote, row and object."""
    upload = uuid7()
    put(folder / upload, content)
    await api.pool.execute(
        """insert into uploads (partition, tenant, id, sha256, size, name, sealed)
            values (0, $1, $2, $3, $4, 'list.csv', false)""",
        *(api.tenant, upload, hashlib.sha256(content).hexdigest(), len(content)),
    )
    return upload


def put(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def objects(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_what_no_job_names_goes_with_whoever_it_may_belong_to(
    api: Api, admin: httpx.AsyncClient, url: str, folder: Path, pool: Pool
) -> None:
    token = (await api.http.post("/v1/passes", json={"owner": "ann"})).json()["token"]
    by_pass = {"Authorization": f"Bearer {token}"}
    before = await sent(api)  # no type of the tenant has private files yet
    await api.define(private=PRIVATE)
    job, other = await private_job(api), await api.job(owner="bob")
    async with httpx.AsyncClient(base_url=url, headers=by_pass) as browser:
        hers = (await browser.post("/v1/uploads", content=FILE, params={"name": "list.csv"})).json()["id"]
        assert (await browser.post("/v1/uploads", content=FILE, params={"owner": "bob"})).status_code == 403
        assert (await browser.post("/v1/uploads", content=FILE, params={"job": other})).status_code == 422
    gone = [before, hers, await sent(api), await sent(api, owner="ann"), await sent(api, job=job)]
    kept = [await sent(api, owner="bob"), await sent(api, job=other)]
    assert found_in_files(folder, SECRETS) == []
    assert await found_in_tables(pool, SECRETS) == []

    assert await erased(admin) == len(gone) + 1  # and the one that her job names
    assert [await readable(api, each) for each in gone] == [False] * len(gone)
    assert [await readable(api, each) for each in kept] == [True, True]
    assert objects(folder) == sorted(f"{each}.sealed" for each in kept)
    assert [table for table, _ in await found_in_tables(pool, gone) if table != "events"] == []
    assert await erased(admin) == 0


async def test_who_never_started_a_job_can_be_erased_too(api: Api, admin: httpx.AsyncClient, folder: Path) -> None:
    await api.define(private=PRIVATE)
    await sent(api, owner="ann")
    assert (await admin.post("/v1/audit/erase", json={"owner": "ann"})).json()["erased"] is True
    assert objects(folder) == []


@pytest.mark.parametrize("marks", [(PRIVATE, []), ([], PRIVATE)], ids=["unmarked", "marked"])
async def test_a_job_s_own_definition_says_whose_its_files_are(
    api: Api, admin: httpx.AsyncClient, folder: Path, marks: tuple[list[str], list[str]]
) -> None:
    """The type changes between the click, the result and the retry."""
    first, then = marks
    await api.define(private=first)
    job = await api.job(input={"upload": await sent(api)})
    await api.define(private=then)
    (given,) = await api.claim()
    assert (await api.report(given["lease"], "problems", {"items": [{"row": 1, "reason": "no"}]})).status_code == 200
    done = await api.report(given["lease"], "finish", {"result": {"upload": await sent(api, name="narwhal.csv")}})
    assert done.status_code == 200
    mended = {"scope": "failed_items", "input": {"upload": await sent(api)}}
    assert (await api.http.post(f"/v1/jobs/{job}/retry", json=mended)).status_code == 202
    assert found_in_files(folder, SECRETS) == []
    assert await erased(admin) == (3 if first else 0)
    assert objects(folder) == [] if first else len(objects(folder)) == 3


@pytest.mark.parametrize("plain_first", [True, False])
async def test_another_s_job_of_a_plain_type_keeps_its_file(
    api: Api, admin: httpx.AsyncClient, plain_first: bool
) -> None:
    await api.define(private=PRIVATE)
    await api.http.put(f"/v1/types/{PLAIN}", json={"title": "Plain"})
    upload = await sent(api)
    kinds = [(PLAIN, "bob"), (EXPORT, "ann")]
    for kind, owner in kinds if plain_first else reversed(kinds):
        await api.job(type=kind, owner=owner, input={"upload": upload})
    assert await erased(admin) == 0
    assert (await api.http.get(f"/v1/uploads/{upload}")).content == FILE
    assert await erased(admin, "bob") == 0, "nothing private of his is kept"
    assert await readable(api, upload)


async def test_one_s_own_job_of_a_plain_type_keeps_nothing_private(api: Api, admin: httpx.AsyncClient) -> None:
    await api.define(private=PRIVATE)
    await api.http.put(f"/v1/types/{PLAIN}", json={"title": "Plain"})
    upload, public = await sent(api), await sent(api)
    for kind, file in [(PLAIN, upload), (EXPORT, upload), (PLAIN, upload), (PLAIN, public)]:
        await api.job(type=kind, input={"upload": file}, again=True)
    assert await erased(admin) == 1
    assert not await readable(api, upload)
    assert await readable(api, public)


async def test_a_file_of_two_people_goes_with_the_second(api: Api, admin: httpx.AsyncClient) -> None:
    await api.define(private=PRIVATE)
    upload = await sent(api)
    for owner in ("ann", "bob"):
        await api.job(owner=owner, input={"upload": upload})
    assert await erased(admin) == 0
    assert (await api.http.get(f"/v1/uploads/{upload}")).content == FILE
    assert await erased(admin, "bob") == 1
    assert (await api.http.get(f"/v1/uploads/{upload}")).status_code == 404


async def test_a_file_that_comes_while_its_person_is_erased_never_was(
    api: Api, admin: httpx.AsyncClient, folder: Path, pool: Pool
) -> None:
    await api.define(private=PRIVATE)
    await private_job(api)

    async def slowly() -> AsyncIterator[bytes]:
        yield FILE
        async with asyncio.timeout(20):
            while not await pool.fetchval(_ON_THE_WAY, api.tenant):
                """Until its key is there, which is before its first byte is read."""
        assert await erased(admin) == 2
        yield FILE

    answer = await api.http.post("/v1/uploads", content=slowly(), params={"name": "list.csv"})
    assert answer.status_code == 410
    assert objects(folder) == []
    assert await pool.fetchval("select count(*) from uploads where tenant = $1", api.tenant) == 0


async def test_a_result_that_comes_after_its_person_was_erased_never_was(
    api: Api, admin: httpx.AsyncClient, folder: Path, pool: Pool
) -> None:
    await api.define(private=PRIVATE)
    job = await private_job(api)
    (given,) = await api.claim()
    await erased(admin)
    answer = await api.http.post("/v1/uploads", content=FILE, headers={"Tidings-Job": job})
    assert answer.status_code == 410
    late = [await sent(api), await sent(api)]  # by a worker that does not say for which job
    one = await api.report(given["lease"], "finish", {"result": {"upload": late[0]}})
    assert one.status_code == 409
    batch = [{"lease": given["lease"], "verb": "finish", "body": {"result": {"upload": late[1]}}}]
    many = await api.http.post("/v1/work/report", json={"worker": "w-1", "reports": batch})
    assert [each["status"] for each in many.json()["answers"]] == [409]
    assert objects(folder) == []
    assert await pool.fetchval("select count(*) from file_keys where tenant = $1", api.tenant) == 0


async def test_what_no_job_ever_names_is_removed(api: Api, settings: Settings, folder: Path, pool: Pool) -> None:
    await api.define(private=PRIVATE)
    job = await api.job(input={"upload": (named := await sent(api))})
    await api.http.put(f"/v1/types/{PLAIN}", json={"title": "Plain"})
    await api.job(type=PLAIN, input={"upload": (public := await sent(api))})
    forgotten, old, by_old = await sent(api), await from_before(api, folder), await sent(api)
    await pool.execute(
        "update file_keys set made_at = default where upload = $1", by_old
    )  # as processes before 0006 do
    await api.http.post("/v1/jobs", json={"type": "no.such", "owner": "ann", "input": {"upload": forgotten}})
    await Sweeper(pool, Files(settings.files_url), 1, unnamed_s=0).once()
    kept = (named, public, old, by_old)
    assert [await readable(api, each) for each in (*kept, forgotten)] == [True, True, True, True, False]
    assert f"{forgotten}.sealed" not in objects(folder)
    assert (await api.submit(input={"upload": forgotten})).status_code == 422
    assert (await api.view(job))["state"] == "queued"


async def test_a_file_from_before_is_encrypted_when_it_is_named(
    api: Api, admin: httpx.AsyncClient, folder: Path
) -> None:
    await api.define(private=PRIVATE)
    by_input, by_retry, by_result, by_batch = [await from_before(api, folder) for _ in range(4)]
    job = await api.job(input={"upload": by_input})
    (given,) = await api.claim()
    await api.report(given["lease"], "problems", {"items": [{"row": 1, "reason": "no"}]})
    done = await api.report(given["lease"], "finish", {"result": {"upload": by_result}})
    assert done.status_code == 200
    retry = {"scope": "failed_items", "input": {"upload": by_retry}}
    assert (await api.http.post(f"/v1/jobs/{job}/retry", json=retry)).status_code == 202
    body = {"jobs": [{"type": EXPORT, "owner": "ann", "input": {"upload": by_batch}, "again": True}]}
    assert (await api.http.post("/v1/jobs/batch", json=body)).json()["answers"][0]["status"] == 201
    assert found_in_files(folder, SECRETS) == []
    for upload in (by_input, by_retry, by_result, by_batch):
        answer = await api.http.get(f"/v1/uploads/{upload}")
        assert answer.content == FILE
        assert "list.csv" in answer.headers["content-disposition"]
    assert await erased(admin) == 4
    assert objects(folder) == []


async def test_many_clicks_on_a_file_from_before_lose_nothing(api: Api, folder: Path) -> None:
    await api.define(private=PRIVATE)
    for _ in range(5):
        upload = await from_before(api, folder, FILE * 10)
        reads = [api.http.get(f"/v1/uploads/{upload}") for _ in range(8)]  # beside them, before and after
        clicks = [api.submit(input={"upload": upload, "n": n}, again=True) for n in range(8)]
        answers = await asyncio.gather(*(each for pair in zip(reads, clicks, strict=True) for each in pair))
        assert [answer.content == FILE * 10 for answer in answers[::2]] == [True] * 8
        assert [answer.status_code for answer in answers[1::2]] == [201] * 8
        assert (await api.http.get(f"/v1/uploads/{upload}")).content == FILE * 10
    assert found_in_files(folder, SECRETS) == []


async def test_a_crash_between_encrypting_and_removing_is_made_good(
    api: Api, settings: Settings, folder: Path, pool: Pool
) -> None:
    """The object can't be removed at first, as if the process had died there; the sweep does it later."""
    await api.define(private=PRIVATE)
    upload = await from_before(api, folder)
    plain = folder / upload
    content = plain.read_bytes()
    await api.job(input={"upload": upload})
    plain.write_bytes(content)  # what a crash before its removal leaves, with what is on record then
    await pool.execute("insert into file_removals values (0, $1, $2, true)", api.tenant, upload)
    await Sweeper(pool, Files(settings.files_url), 1, unnamed_s=86_400).once()
    assert objects(folder) == [f"{upload}.sealed"]
    assert await readable(api, upload)
    assert await pool.fetchval("select count(*) from file_removals where tenant = $1", api.tenant) == 0


async def test_a_command_that_does_not_know_the_files_leaves_them_to_the_service(
    api: Api, settings: Settings, folder: Path, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not take an empty folder of its own for theirs, and believe that they are gone."""
    await api.define(private=PRIVATE)
    await api.job(input={"upload": (upload := await sent(api))})
    monkeypatch.setenv("TIDINGS_DATABASE_URL", settings.database_url)
    monkeypatch.chdir(folder)
    assert await erase(None, "ann", api.tenant, as_json=True) == 0
    assert not await readable(api, upload)
    await Sweeper(pool, Files(settings.files_url), 1, unnamed_s=86_400).once()
    assert objects(folder) == []
