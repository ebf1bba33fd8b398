"""Promise 6 from outside: `?at=` gives word for word what a live screen got at that moment, `waiting` aside.

A wait moves of itself between two statements, so the past shows the one last stated by then; and a screen that was
drawn before anything else happened shows just what was stated.

A service of its own process; random commands of every kind, with time's own events between them; two persons' screens
listen all the while, each in its own language, and keep what came.
"""

import asyncio
import itertools
import json
import random
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from eventstore.postgres import Pool
from services.keys import DEFAULT_SCOPES, create_key
from tests.api.client import Api, Sent, events
from tests.background import beside
from tests.e2e.processes import TIDINGS, Process, running

View = dict[str, Any]
VIEWS = 1000
LANGUAGES = {"ann": "en", "bea": "de"}  # who looks, and in which language
LEARNT = 24  # jobs of each kind that came before, so that there is something to say of waits
STATED_LEAST = 50  # statements of a range that a screen showed before anything else happened
PARTS = ("queue", "work", "total")
SEED = 20261125
TYPES: dict[str, View] = {
    "export": {"title": "Export", "stages": [{"name": "reading"}, {"name": "writing"}], "dedupe": {"for": "never"}},
    "import": {
        "title": "Import",
        "dedupe": {"same": ["owner", "input.k"], "for": "10m"},
        "retry": {"safety": "may_duplicate", "attempts": 2, "backoff": {"first": 0.2, "max": 1}},
        "lease": 1,
    },
    "notes": {
        "title": "Notes",
        "retry": {"safety": "may_charge", "mode": "resumes", "attempts": 3, "backoff": {"first": 0.1, "max": 1}},
        "stall": {"quiet": 0.5, "stuck": 1, "do": "tell"},
        "deadline": 3,
    },
}

ENDS_A_STATEMENT = {
    "AttemptStarted", "JobFinished", "NeedsFix", "AttemptFailed", "AttemptLost", "AttemptReleased", "JobCanceled",
    "CancelRequested",
}  # fmt: skip

Do = Callable[[], Awaitable[None]]
Bounds = dict[str, tuple[float | None, float] | None]


@pytest.fixture(scope="module")
def service(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    files = tmp_path_factory.mktemp("files").as_uri()
    given = {"TIDINGS_DATABASE_URL": database, "TIDINGS_FILES_URL": files, "TIDINGS_PORT": "0"}
    with running(str(TIDINGS), "serve", "--roles", "api,projector,orchestrator", **given) as process:
        yield process


@pytest.fixture
async def api(service: Process, pool: Pool, tenant: str) -> AsyncIterator[Api]:
    async with pool.acquire() as conn:
        key = (await create_key(conn, tenant, DEFAULT_SCOPES)).key
    async with httpx.AsyncClient(
        base_url=service.ready["url"], headers={"Authorization": f"Bearer {key}"}, timeout=30
    ) as http:
        yield Api(http, tenant, pool)


class Screens:
    """What the two persons' screens got, each view as it came."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.seen: dict[tuple[str, int], View] = {}
        self.enough = asyncio.Event()

    async def look(self, owner: str) -> None:
        headers = {"Accept-Language": LANGUAGES[owner]}
        async with self._api.http.stream("GET", "/v1/stream", params={"owner": owner}, headers=headers) as answer:
            async for sent in events(answer):
                self._take(sent)

    def _take(self, sent: Sent) -> None:
        view: View = sent.data
        if sent.name == "status":
            self.seen[view["id"], view["version"]] = view
        if len(self.seen) >= VIEWS:
            self.enough.set()

    def newest(self) -> dict[str, View]:
        found: dict[str, View] = {}
        for (job, _), view in self.seen.items():
            found[job] = view
        return found


class Driver:
    """Random calls of every kind; what is refused is no event, and as good as any."""

    def __init__(self, api: Api, screens: Screens) -> None:
        self._api = api
        self._screens = screens
        self._chance = random.Random(SEED)
        self._leases: list[str] = []
        self._n = itertools.count()

    async def run(self) -> None:
        ways: list[tuple[Do, int]] = [
            (self.submit, 4), (self.claim, 5), (self.work, 16), (self.cancel, 1), (self.retry, 4), (self.end, 4),
        ]  # fmt: skip
        while not self._screens.enough.is_set():
            (way,) = self._chance.choices([way for way, _ in ways], [weight for _, weight in ways])
            await way()

    async def _post(self, path: str, body: object) -> httpx.Response:
        answer = await self._api.http.post(path, json=body)
        assert answer.status_code < 500, answer.text
        return answer

    async def submit(self) -> None:
        chance = self._chance
        kind = chance.choice(list(TYPES))
        later = {"not_before": "2999-01-01T00:00:00Z"} if chance.random() < 0.05 else {}
        sized = {"size": chance.randint(1, 5000)} if chance.random() < 0.5 else {}
        body: View = {
            "type": kind,
            "owner": chance.choice([*LANGUAGES]),
            "input": {"k": chance.randrange(4)},
        }
        await self._post("/v1/jobs", body | later | sized)

    async def claim(self) -> None:
        body = {"types": list(TYPES), "worker": f"w-{self._chance.randrange(3)}", "max": 3, "wait": 0}
        answer = await self._post("/v1/work/claim", body)
        self._leases += [each["lease"] for each in answer.json()["assignments"]]

    async def work(self) -> None:
        if not self._leases:
            return
        lease, chance = self._chance.choice(self._leases[-20:]), self._chance
        verb, body = chance.choice([
            ("stage", {"name": chance.choice(["reading", "writing"])}),
            ("progress", {"done": next(self._n), "total": 10_000, "unit": "rows"}),
            ("progress", {"done": 7, "total": 7}),
            ("problems", {"items": [{"row": chance.randint(1, 9), "column": "email", "reason": "is missing"}]}),
            ("heartbeat", {}),
        ])  # fmt: skip
        await self._post(f"/v1/work/{lease}/{verb}", body)

    async def end(self) -> None:
        """Of an attempt; a lease that is outdated already is refused, which is an event once."""
        if not self._leases:
            return
        lease, chance = self._chance.choice(self._leases[-20:]), self._chance
        counts = chance.choice([None, {"ready": 3, "failed": 2, "total": 5}, {"ready": 5, "failed": 0, "total": 5}])
        verb, body = chance.choice([
            ("finish", {"result": {"inline": {"rows": 3}}, "items": counts}),
            ("finish", {"result": {"inline": {"rows": 4}}}),
            ("needs-fix", {"text": "Row 17 has an invalid date.", "row": 17, "column": "start_date"}),
            ("fail", {"reason": "boom"}),
            ("fail", {"reason": "boom", "retryable": False, "text": "The file can't be read."}),
            ("release", {}),
        ])  # fmt: skip
        await self._post(f"/v1/work/{lease}/{verb}", body)

    async def cancel(self) -> None:
        if jobs := list(self._screens.newest()):
            await self._post(f"/v1/jobs/{self._chance.choice(jobs)}/cancel", {})

    async def retry(self) -> None:
        views = self._screens.newest()
        able = [job for job, view in views.items() if any("retry" in each["name"] for each in view["actions"])]
        if not able:
            return
        job, scope = self._chance.choice(able), self._chance.choice(["all", "failed_items"])
        plan = await self._api.http.get(f"/v1/jobs/{job}/retry", params={"scope": scope})
        if plan.status_code == 200:
            await self._post(f"/v1/jobs/{job}/retry", {"scope": scope, "confirm": True, "plan": plan.json()["plan"]})


@pytest.mark.timeout(400)
async def test_any_past_moment_is_what_a_live_screen_got(api: Api) -> None:
    for name, kind in TYPES.items():
        await api.define(name, **kind)
        await learn(api, name)
    screens = Screens(api)
    async with beside(*(screens.look(owner) for owner in LANGUAGES)):
        await Driver(api, screens).run()
    happened = await api.pool.fetch("select type, recorded_at from events where tenant = $1", api.tenant)
    states = {view["state"] for view in screens.seen.values()}
    assert states == {"queued", "running", "needs_fix", "finished", "canceled"}
    assert {row["type"] for row in happened} >= EVERY_KIND
    assert len(screens.seen) >= VIEWS
    times = sorted(row["recorded_at"] for row in happened)
    histories: dict[str, list[View]] = {}
    other: list[tuple[Any, ...]] = []
    moved: list[tuple[Any, ...]] = []
    shown = 0
    for view in screens.seen.values():
        past = await then(api, view)
        was, now = without_waits(past), without_waits(view)
        other += [(view["id"], view["version"], name) for name in now if now[name] != was[name]]
        said = last_stated(await history(api, histories, view["id"]), view)
        stated = bounds(said["data"]) if said else NOTHING
        other += [(view["id"], view["version"], "wait", stated, past["wait"])] * (bounds(past["wait"]) != stated)
        if said and stated != NOTHING and nothing_between(times, said["recorded_at"], view["wait"]["as_of"]):
            shown += 1
            same = bounds(view["wait"]) == stated and texts(view["wait"]) == texts(past["wait"])
            moved += [] if same else [(view["id"], said["data"], view["wait"])]
    assert other == []
    assert moved == []
    assert shown >= STATED_LEAST


async def learn(api: Api, name: str) -> None:
    """A history of a third person's jobs, which no screen shows."""
    for n in range(LEARNT):
        body = {"type": name, "owner": "cleo", "input": {"k": n}}
        assert (await api.http.post("/v1/jobs", json=body)).status_code == 201
        claim = {"types": [name], "worker": "w-1", "wait": 0}
        (assignment,) = (await api.http.post("/v1/work/claim", json=claim)).json()["assignments"]
        done = await api.report(assignment["lease"], "finish", {"result": {"inline": {}}})
        assert done.status_code == 200, done.text


async def history(api: Api, known: dict[str, list[View]], job: str) -> list[View]:
    if job not in known:
        known[job] = (await api.http.get(f"/v1/jobs/{job}/events", params={"limit": 1000})).json()["events"]
    return known[job]


def last_stated(history: list[View], view: View) -> View | None:
    """The wait last put on record by then, told from the log alone. None where none was, or none can hold any more."""
    last = None
    for event in history:
        if event["version"] > view["version"]:
            break
        if event["type"] in ENDS_A_STATEMENT:
            last = None
        elif event["type"] == "EstimateStated":
            last = event
    return last


NOTHING: Bounds = dict.fromkeys(PARTS)


def bounds(wait: View) -> Bounds:
    """The seconds of a wait, whether of an event or of a view."""
    parts = {part: wait.get(part) for part in PARTS}
    return {part: each and (each.get("low_s"), each["high_s"]) for part, each in parts.items()}


def texts(wait: View) -> list[str | None]:
    return [wait["text"], *(wait[part] and wait[part]["text"] for part in PARTS)]


def nothing_between(times: list[datetime], stated_at: str, shown_at: str) -> bool:
    """Whether the screen was drawn before anything else was recorded: the line is as it was, so the wait must be."""
    first, last = (bisect_right(times, datetime.fromisoformat(each)) for each in (stated_at, shown_at))
    return first == last


EVERY_KIND = {
    "JobRequested", "RequestRepeated", "JobQueued", "AttemptStarted", "StageStarted", "ProgressReported", "ItemsFailed",
    "ResultStored", "JobFinished", "NeedsFix", "AttemptFailed", "AttemptLost", "AttemptReleased", "AttemptQuiet",
    "RetryRequested", "CancelRequested", "JobCanceled", "LateReportRefused",
}  # fmt: skip


async def then(api: Api, view: View) -> View:
    headers = {"Accept-Language": LANGUAGES[view["owner"]]}
    answer = await api.http.get(f"/v1/jobs/{view['id']}", params={"at": view["updated_at"]}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: View = answer.json()
    return found


def without_waits(view: View) -> View:
    """Without what is of the moment (`waiting`, and `wait`, which is compared apart), links unsigned."""
    found: View = json.loads(json.dumps(view))
    del found["waiting"], found["wait"]
    found["messages"] = {place: each for place, each in found["messages"].items() if not place.startswith("/wait")}
    for place in (found["result"], *found["actions"]):
        place["href"] = place["href"] and place["href"].partition("?")[0]
    return found
