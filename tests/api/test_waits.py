"""What is of the moment, over the API: waits, why a job waits, and screens told when only these change."""

import asyncio

import pytest

from tests.api.client import EXPORT, Api, Json

LEARNT = 30  # jobs from whose starts and ends enough is known


async def learn(api: Api, jobs: int = LEARNT) -> None:
    """A type with a history: so many jobs, one after the other."""
    await api.define(dedupe={"for": "never"})
    for n in range(jobs):
        await api.job(input=n, owner=f"o{n % 5}")
        await end(api, await begin(api))


async def begin(api: Api) -> str:
    (assignment,) = await api.claim()
    return str(assignment["lease"])


async def end(api: Api, lease: str) -> None:
    done = await api.report(lease, "finish", {"result": {"inline": {}}})
    assert done.status_code == 200, done.text


def waiting(view: Json) -> Json:
    found = view["waiting"]
    assert isinstance(found, dict)
    return found


async def test_a_new_type_says_that_nothing_is_known(api: Api) -> None:
    await api.define()
    view = await api.view(await api.job())
    wait = view["wait"]
    assert isinstance(wait, dict)
    assert (wait["queue"], wait["work"], wait["total"], wait["reliable"]) == (None, None, None, False)
    assert wait["text"].startswith("This job has no reliable finish estimate yet.")
    assert await api.history(str(view["id"])) == ["JobRequested", "JobQueued"]


async def test_what_was_learnt_is_said_everywhere_in_the_readers_language(api: Api) -> None:
    await learn(api)
    submitted = (await api.submit(input="new")).json()
    job = str(submitted["id"])
    views = [
        submitted,
        await api.view(job),
        (await api.http.get("/v1/jobs?limit=1")).json()["jobs"][0],
        (await api.http.post("/v1/jobs/batch", json={"jobs": [{"type": EXPORT, "owner": "ann"}]})).json()["answers"][0][
            "job"
        ],
    ]
    async with asyncio.timeout(10), api.stream(f"/v1/jobs/{job}/stream") as events:
        views.append((await anext(events)).data)
    for view in views:
        assert view["wait"]["reliable"], view["wait"]
        assert view["wait"]["work"]["high_s"] > 0
        assert view["wait"]["queue"]["text"] == view["wait"]["text"]
    german = (await api.http.get(f"/v1/jobs/{job}", headers={"Accept-Language": "de"})).json()
    assert german["wait"]["queue"]["high_s"] == submitted["wait"]["queue"]["high_s"]
    assert german["wait"]["text"] != submitted["wait"]["text"]


async def test_what_was_stated_is_on_record(api: Api) -> None:
    await learn(api)
    job = str((await api.submit(input="new")).json()["id"])
    accepted = await api.view(job)
    lease = await begin(api)
    started = await api.view(job)
    await end(api, lease)
    assert await api.history(job) == [
        *("JobRequested", "JobQueued", "EstimateStated", "AttemptStarted", "EstimateStated", "ResultStored"),
        "JobFinished",
    ]
    moments: tuple[tuple[Json, str], ...] = ((accepted, "queue"), (accepted, "work"), (started, "work"))
    for view, part in moments:
        then = (await api.http.get(f"/v1/jobs/{job}", params={"at": str(view["updated_at"])})).json()
        assert then["version"] == view["version"]
        assert then["wait"][part] == dict(view["wait"])[part]  # type: ignore[call-overload]  # JSON
        assert then["wait"]["as_of"] == view["updated_at"]
        assert then["waiting"] is None
    events = (await api.http.get(f"/v1/jobs/{job}/events")).json()["events"]
    said = [event["data"] for event in events if event["type"] == "EstimateStated"]
    assert [each["when"] for each in said] == ["accepted", "started"]
    assert said[1]["work"]["high_s"] == dict(started["wait"])["work"]["high_s"]  # type: ignore[call-overload]  # JSON


async def test_why_a_job_waits(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    first, second = await api.job(input=1), await api.job(input=2)
    alone = waiting(await api.view(first))
    assert (alone["reason"], alone["ahead"]) == ("no_workers", 0)
    assert alone["since"] == (await api.view(first))["created_at"]
    lease = await begin(api)
    third = await api.job(input=3)
    assert (await api.view(first))["waiting"] is None
    assert [waiting(await api.view(job))["ahead"] for job in (second, third)] == [0, 1]
    busy = waiting(await api.view(third))
    assert (busy["reason"], busy["text"]) == ("workers_busy", "1 job is before yours.")
    urgent = await api.job(input=4, priority=5)
    assert [waiting(await api.view(job))["ahead"] for job in (urgent, second, third)] == [0, 1, 2]
    await end(api, lease)
    assert waiting(await api.view(third))["reason"] == "workers_busy"  # who ended work a moment ago is still there


async def test_many_before_are_told_about(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    jobs = [{"type": EXPORT, "owner": "ann", "input": n} for n in range(160)]
    answers = (await api.http.post("/v1/jobs/batch", json={"jobs": jobs})).json()["answers"]
    order = sorted((answer["job"]["created_at"], answer["job"]["id"]) for answer in answers)  # as they are claimed
    last, hundredth = order[-1][1], order[100][1]
    assert waiting(await api.view(hundredth))["ahead"] == 100
    found = waiting(await api.view(last))
    assert found["ahead"] == 160  # 159, as it is told
    assert "About 160 jobs are before yours." in str(found["text"])


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"total": 1}, "type_limit"),
        ({"per_tenant": 1}, "tenant_limit"),
        ({"per_owner": 1}, "tenant_limit"),
    ],
)
async def test_a_limit_is_the_reason_while_it_is_reached(api: Api, limits: Json, reason: str) -> None:
    await api.define(f"limited.by_{next(iter(limits))}", dedupe={"for": "never"}, limits=limits)
    name = f"limited.by_{next(iter(limits))}"
    await api.job(type=name, input=1)
    second = await api.job(type=name, input=2)
    claim = {"types": [name], "worker": "w-1", "wait": 0, "max": 5}
    (assignment,) = (await api.http.post("/v1/work/claim", json=claim)).json()["assignments"]
    assert waiting(await api.view(second))["reason"] == reason
    await end(api, assignment["lease"])
    assert waiting(await api.view(second))["reason"] == "workers_busy"


async def test_a_planned_job_waits_for_its_time_and_a_failed_one_pauses(api: Api) -> None:
    await learn(api)
    planned = await api.job(input="later", not_before="2100-01-01T00:00:00Z")
    view = await api.view(planned)
    assert waiting(view)["reason"] == "not_before"
    assert waiting(view)["ahead"] is None
    assert view["wait"]["queue"] is None  # type: ignore[index]  # JSON
    await api.define(dedupe={"for": "never"}, retry={"attempts": 3, "backoff": {"first": 1000, "max": 1000}})
    failing = await api.job(input="fails")
    await api.report(await begin(api), "fail", {"reason": "boom"})
    view = await api.view(failing)
    assert waiting(view)["reason"] == "retry_pause"
    assert waiting(view)["since"] == view["updated_at"]


async def test_a_worker_that_asks_and_hangs_up_is_known(api: Api) -> None:
    await api.define("first.kind", dedupe={"for": "never"})
    await api.define("other.kind", dedupe={"for": "never"})
    body = {"types": ["first.kind", "other.kind"], "worker": "w-1", "wait": 20}
    asking = asyncio.create_task(api.http.post("/v1/work/claim", json=body))
    await api.until("tidings_waiting_claims", 1)
    await api.job(type="first.kind")
    assert (await asking).json()["assignments"]
    later = await api.job(type="other.kind")
    assert waiting(await api.view(later))["reason"] == "workers_busy"  # it takes both and works at the first


async def test_a_screen_is_told_when_only_the_moment_changes(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    jobs = [await api.job(input=n) for n in range(5)]
    lease = await begin(api)
    async with asyncio.timeout(30), api.stream(f"/v1/jobs/{jobs[4]}/stream") as events:
        first = await anext(events)
        assert (first.name, first.data["version"]) == ("status", 2)
        assert waiting(first.data)["ahead"] == 3
        told = []
        for left in (2, 1, 0):
            await end(api, lease)
            lease = await begin(api)
            news = await anext(events)
            assert news.name == "wait"
            assert news.id == first.id
            assert set(news.data) == {"id", "version", "as_of", "wait", "waiting"}
            assert (news.data["id"], news.data["version"]) == (jobs[4], 2)
            told.append(waiting(news.data)["ahead"])
            assert waiting(await api.view(jobs[4])) == waiting(news.data)
            assert told[-1] == left
        await api.submit(input=4)  # nothing of the moment moves for this job: nothing is sent of it
        await end(api, lease)
        await begin(api)
        while (event := await anext(events)).name == "wait":
            assert event.data["version"] == 2
        assert event.data["state"] == "running"


async def test_an_owners_screen_is_told_of_each_of_their_jobs_alone(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    mine = [await api.job(input=n) for n in range(3)]
    others = await api.job(owner="bob", input="his")
    lease = await begin(api)
    async with asyncio.timeout(30), api.stream("/v1/stream?owner=ann") as events:
        for _ in mine:
            assert (await anext(events)).name == "status"
        await end(api, lease)
        await begin(api)
        heard: dict[object, object] = {}
        while heard.get(mine[2]) != 0:
            event = await anext(events)
            assert event.data["id"] != others
            if event.name == "wait":
                heard[event.data["id"]] = waiting(event.data)["ahead"]


async def test_an_etag_covers_the_moment(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    await api.job(input=1)
    second = await api.job(input=2)
    tag = (await api.http.get(f"/v1/jobs/{second}")).headers["etag"]
    assert (await api.http.get(f"/v1/jobs/{second}", headers={"If-None-Match": tag})).status_code == 304
    await begin(api)
    newer = await api.http.get(f"/v1/jobs/{second}", headers={"If-None-Match": tag})
    assert newer.status_code == 200
    assert newer.json()["version"] == 2


async def test_a_waiting_jobs_answer_is_never_an_old_one(api: Api) -> None:
    """However often it was read just before: by whom, in which language, and whatever has happened since."""
    await api.define(dedupe={"for": "never"})
    await api.job(input=1)
    second = await api.job(input=2)

    async def reads(language: str = "en") -> Json:
        answers = [await api.http.get(f"/v1/jobs/{second}", headers={"Accept-Language": language}) for _ in range(3)]
        assert len({answer.headers["etag"] for answer in answers}) == 1
        found: Json = answers[-1].json()
        return found

    assert waiting(await reads())["ahead"] == 1
    assert (await reads("de"))["label"] != (await reads())["label"]
    lease = await begin(api)
    assert waiting(await reads())["ahead"] == 0
    await api.submit(input=2, dedupe={"for": "1 day"})
    await end(api, lease)
    await begin(api)
    assert (await reads())["state"] == "running"
    assert (await reads())["waiting"] is None


async def test_a_burst_in_one_append_stands_in_line(api: Api) -> None:
    """Each is told of those before it, though the log knows none of them yet; and the model is as the log says."""
    await learn(api)
    jobs = [{"type": EXPORT, "owner": "ann", "input": f"b{n}", "size": 1} for n in range(200)]
    answers = (await api.http.post("/v1/jobs/batch", json={"jobs": jobs})).json()["answers"]
    highs = []
    for answer in (answers[0], answers[50], answers[199]):
        events = (await api.http.get(f"/v1/jobs/{answer['job']['id']}/events")).json()["events"]
        (said,) = [event["data"] for event in events if event["type"] == "EstimateStated"]
        highs.append(said["queue"]["high_s"] if "queue" in said else float("inf"))
    assert highs == sorted(highs)


async def test_an_urgent_job_is_told_by_its_own_place_in_the_line(api: Api) -> None:
    """The record says what its screen shows, though many came before it."""
    await learn(api)
    jobs = [{"type": EXPORT, "owner": "ann", "input": f"b{n}", "size": 1} for n in range(200)]
    await api.http.post("/v1/jobs/batch", json={"jobs": jobs})
    view = await api.view(await api.job(input="urgent", size=1, priority=9))
    then = (await api.http.get(f"/v1/jobs/{view['id']}", params={"at": str(view["updated_at"])})).json()
    assert then["wait"]["text"] == dict(view["wait"])["text"]  # type: ignore[call-overload]  # JSON
    assert waiting(view)["ahead"] == 0


async def test_how_the_stated_waits_held_is_counted(api: Api, stranger: Api) -> None:
    await learn(api)
    for n in range(3):
        await api.job(input=f"judged-{n}")
        await end(api, await begin(api))
    async with asyncio.timeout(20):
        while True:  # the projection follows the log by itself
            types = (await api.http.get("/v1/waits/calibration")).json()["types"]
            parts = {part["what"]: part for part in types[0]["parts"]} if types else {}
            if "work" in parts and parts["work"]["answers"] == LEARNT + 3:
                break
    assert types[0]["type"] == EXPORT
    for what in ("queue", "work", "total", "work_at_start"):
        part = parts[what]
        assert part["answers"] == LEARNT + 3
        assert part["ranges"] + part["bounds"] + part["none"] == pytest.approx(1)
    assert parts["work"]["none"] < 1
    assert parts["work"]["bounds_held"] == 1  # within 10 seconds, all of them
    assert (await stranger.http.get("/v1/waits/calibration")).json() == {"types": []}
