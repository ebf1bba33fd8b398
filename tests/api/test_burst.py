"""A burst, seen by one who clicked last: ten sentences at ten moments, each held against what then happened.

`BURST_WORK_S=2 pytest -s tests/api/test_burst.py` is the run that docs/waits.md shows.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise

import pytest
from msgspec import Struct

from tests.api.client import EXPORT, Api, Json

WORK_S = float(os.environ.get("BURST_WORK_S", "0.25"))
JOBS, WORKERS, BEFORE = 200, 3, 40
STARTED_BEFORE = (0, 10, 30, 60, 90, 120, 150, 180)  # jobs of the burst at the eight moments of the wait
LATE_MOST = 1  # of the eight: "usually" is 9 in 10


class Seen(Struct, frozen=True):
    """What the last job's view said at one moment."""

    at: datetime
    state: str
    text: str
    why: str | None
    ahead: int | None
    queue: Json | None
    work: Json | None

    @classmethod
    def of(cls, view: Json) -> "Seen":
        wait, waiting = view["wait"], view["waiting"]
        assert isinstance(wait, dict)
        why, ahead = (waiting["text"], waiting["ahead"]) if isinstance(waiting, dict) else (None, None)
        at = datetime.fromisoformat(wait["as_of"])
        return cls(at, str(view["state"]), wait["text"], why, ahead, wait["queue"], wait["work"])


class Workers:
    """Three of them, each taking one job after the other; work takes its time and nothing else."""

    def __init__(self, api: Api, seed: int) -> None:
        self._api = api
        self._chance = random.Random(seed)
        self._news = asyncio.Condition()
        self.taken: list[str] = []
        self.ended = 0

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._work()) for _ in range(WORKERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            for assignment in await self._api.claim(wait=5):
                async with self._news:
                    self.taken.append(str(assignment["job"]))
                    self._news.notify_all()
                await self._spend(WORK_S * self._chance.lognormvariate(0, 0.3))
                done = await self._api.report(assignment["lease"], "finish", {"result": {"inline": {}}})
                assert done.status_code == 200, done.text
                async with self._news:
                    self.ended += 1
                    self._news.notify_all()

    async def _spend(self, seconds: float) -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, over.set)
        await over.wait()

    async def until(self, *, taken: int = 0, ended: int = 0) -> None:
        async with self._news:
            await self._news.wait_for(lambda: len(self.taken) >= taken and self.ended >= ended)


async def events(api: Api, job: str) -> dict[str, datetime]:
    """When each of them came last."""
    found = (await api.http.get(f"/v1/jobs/{job}/events")).json()["events"]
    return {event["type"]: datetime.fromisoformat(event["recorded_at"]) for event in found}


async def burst(api: Api) -> list[str]:
    """Two hundred clicks of one owner at once. Answers their ids in the order in which they are claimed."""
    jobs = [{"type": EXPORT, "owner": "ann", "input": f"burst-{n}"} for n in range(JOBS)]
    answers = (await api.http.post("/v1/jobs/batch", json={"jobs": jobs})).json()["answers"]
    return [job for _, job in sorted((each["job"]["created_at"], each["job"]["id"]) for each in answers)]


async def followed(api: Api, workers: Workers, job: str) -> list[Seen]:
    """Ten moments: eight of the wait, one of the work, the end; the screen's stream says the same as a read."""
    found: list[Seen] = []
    async with api.stream(f"/v1/jobs/{job}/stream") as screen, workers.working():
        for started in STARTED_BEFORE:
            await workers.until(taken=BEFORE + started)
            found.append(Seen.of(await api.view(job)))
        shown: Json = {}
        async for event in screen:
            shown = {**shown, **event.data}
            if shown["state"] == "running" and len(found) == len(STARTED_BEFORE):
                found.append(Seen.of(shown))
            if shown["state"] == "finished":
                found.append(Seen.of(shown))
                return found
    raise AssertionError("the stream ended")


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_ten_sentences_of_a_burst_are_true_and_never_contradict(api: Api) -> None:
    await api.define(dedupe={"for": "never"})
    workers = Workers(api, seed=5)
    async with workers.working():
        for n in range(BEFORE):  # a calm history: never a line
            await api.job(input=f"calm-{n}", owner=f"o{n % 5}")
            await workers.until(ended=n + 1)
    order = await burst(api)
    seen = await followed(api, workers, order[-1])
    for each in seen:
        print(f"{each.at:%H:%M:%S} {each.text} {each.why or ''}")
    assert len(seen) == 10
    began = (await events(api, order[-1]))["AttemptStarted"]
    starts = [(await events(api, job))["AttemptStarted"] for job in order[:-1]]
    check_waits([each for each in seen if each.state == "queued"], began)
    for each in seen:
        if each.ahead is not None:
            left = sum(start > each.at for start in starts)
            assert left <= each.ahead <= left + 2 * WORKERS + 10  # as told: two digits beyond 100
    assert [each.state for each in seen] == ["queued"] * 8 + ["running", "finished"]
    assert seen[-2].queue is None


def check_waits(waits: list[Seen], began: datetime) -> None:
    """Each held against the start that came, and against the one before."""
    late = 0
    told: list[tuple[float, float]] = []
    for each in waits:
        assert each.queue is not None, each.text
        low, high = float(str(each.queue["low_s"] or 0)), float(str(each.queue["high_s"]))
        came = (began - each.at).total_seconds()
        late += not low <= came <= high
        told.append((each.at.timestamp() + low, each.at.timestamp() + high))
    assert late <= LATE_MOST, [(each.text, (began - each.at).total_seconds()) for each in waits]
    for (_, until), (earliest, _) in pairwise(told):
        assert earliest <= until, "the start was to have come before the earliest that is told now"
    assert waits[0].queue != waits[-1].queue
    assert "The line is longer than usual." in waits[0].text
