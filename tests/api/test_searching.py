"""Search walks over a bounded part of the history for each page, and loses nothing between two walks."""

import pytest

from projections.status import read
from schemas.states import State
from tests.api.client import EXPORT, Api

MAIL = "mail.send"


async def found(api: Api, limit: int = 3, **filters: str) -> tuple[list[str], list[int]]:
    """The titles, newest first, and how many each page had."""
    titles: list[str] = []
    sizes: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        answer = await api.http.get("/v1/jobs", params={"limit": limit, **filters, **more})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        titles += [job["title"] for job in page["jobs"]]
        sizes.append(len(page["jobs"]))
        cursor = page["next"]
    return titles, sizes


@pytest.fixture
async def many(api: Api, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """(title, type, owner) of jobs, newest first; each page walks over five of them."""
    monkeypatch.setattr(read, "WALK_MAX", 5)
    for name in (EXPORT, MAIL):
        await api.define(name, dedupe={"for": "never"})
    made = [
        (f"Part {n}{' 100%_done' if n % 7 == 0 else ''}", MAIL if n % 4 == 0 else EXPORT, f"owner-{n % 3}")
        for n in range(23)
    ]
    jobs = [{"title": title, "type": kind, "owner": owner} for title, kind, owner in made]
    answer = await api.http.post("/v1/jobs/batch", json={"jobs": jobs})
    assert {each["status"] for each in answer.json()["answers"]} == {201}
    return made[::-1]


@pytest.mark.parametrize("limit", [1, 3, 5, 200])
async def test_every_filter_finds_exactly_its_jobs(api: Api, many: list[tuple[str, str, str]], limit: int) -> None:
    queued = State.QUEUED.value
    for filters in (
        {},
        {"q": "100%_done"},
        {"q": "nothing like it"},
        {"q": "part 2"},
        {"type": MAIL},
        {"state": queued, "type": MAIL},
        {"state": State.FINISHED.value},
        {"owner": "owner-1"},
        {"owner": "owner-1", "q": "part 1"},
        {"owner": "owner-2", "type": MAIL, "state": queued},
        {"owner": "nobody"},
    ):
        wanted = [
            title
            for title, kind, owner in many
            if filters.get("q", "").lower() in title.lower()
            and filters.get("type") in {None, kind}
            and filters.get("owner") in {None, owner}
            and filters.get("state") in {None, queued}
        ]
        titles, sizes = await found(api, limit, **filters)
        assert titles == wanted, filters
        assert max(sizes) <= min(limit, 5)
        assert len(sizes) <= 23 // min(limit, 5) + 2


async def test_a_ref_and_an_id_are_found_without_a_walk(api: Api, many: list[tuple[str, str, str]]) -> None:
    oldest = await api.http.get("/v1/jobs", params={"q": many[-1][0], "limit": 200})  # beyond the first walk
    assert oldest.json()["jobs"] == []
    titles, _ = await found(api, q="Part 0")
    assert titles == [many[-1][0]]
    jobs = (await api.http.get("/v1/jobs", params={"owner": "owner-0", "q": "Part 0"})).json()
    while not jobs["jobs"]:
        jobs = (await api.http.get("/v1/jobs", params={"q": "Part 0", "cursor": jobs["next"]})).json()
    (job,) = jobs["jobs"]
    for text in (job["ref"], job["ref"].lower(), f" {job['ref']} ", job["id"], job["id"].upper()):
        page = (await api.http.get("/v1/jobs", params={"q": text})).json()
        assert ([each["id"] for each in page["jobs"]], page["next"]) == ([job["id"]], None)
    for more in ({"owner": "owner-1"}, {"type": EXPORT}, {"state": State.CANCELED.value}):
        assert (await found(api, 3, q=job["ref"], **more))[0] == []


async def test_a_strangers_ref_is_not_found(api: Api, stranger: Api, many: list[tuple[str, str, str]]) -> None:
    (newest,) = (await api.http.get("/v1/jobs", params={"limit": 1})).json()["jobs"]
    assert newest["title"] == many[0][0]
    for text in (newest["ref"], newest["id"]):
        assert (await found(stranger, q=text))[0] == []
