"""Promise 6: any past moment can be shown. What is rebuilt from events is what was shown live, word for word."""

import random

import pytest
from msgspec.structs import replace

from eventstore.postgres import Pool
from projections.status.read import read_job, read_job_at
from projections.status.view import render
from schemas.envelope import moment_of
from schemas.events import Event
from schemas.views import JobView
from services.commands.replay import story as told_story
from tests.store.logs import append, job_id, requested, story

EVENTS = 1000
LANGUAGE = "de"


@pytest.fixture(scope="module")
async def shown(pool: Pool) -> list[tuple[str, JobView]]:
    """What a live screen said after each event of many jobs, all mixed: (tenant, view)."""
    chance, seen = random.Random(7), list[tuple[str, JobView]]()
    waiting: dict[str, list[Event]] = {}
    while len(seen) < EVENTS:
        if len(waiting) < 20:
            job = job_id()
            waiting[job] = [*requested(job), *story(chance.randrange(1000))]
        job = chance.choice(list(waiting))
        (recorded,) = await append(pool, 0, "acme", [(job, [waiting[job].pop(0)])])
        if not waiting[job]:
            del waiting[job]
        async with pool.acquire() as conn:
            live = await read_job(conn, 0, "acme", job)
        assert live
        seen.append(("acme", render(live, LANGUAGE, as_of=recorded.recorded_at)))
    return seen


async def test_any_past_moment_is_what_the_screen_said_then(pool: Pool, shown: list[tuple[str, JobView]]) -> None:
    for tenant, view in shown:
        at = moment_of(view.updated_at)
        async with pool.acquire() as conn:
            then = await read_job_at(conn, 0, tenant, view.id, at)
        assert then
        assert render(then, LANGUAGE, as_of=at) == view


async def test_a_story_tells_every_event_with_its_screen(pool: Pool, shown: list[tuple[str, JobView]]) -> None:
    jobs: dict[str, list[JobView]] = {}
    for _, view in shown:
        jobs.setdefault(view.id, []).append(view)
    for job, views in list(jobs.items())[:50]:
        told = await told_story(pool, "acme", job, None, LANGUAGE)
        assert [replace(step.view, messages={}) for step in told] == [replace(view, messages={}) for view in views]
        half = await told_story(pool, "acme", job, moment_of(views[0].updated_at), LANGUAGE)
        assert [step.event for step in half] == ["JobRequested"]
        assert all(step.happened for step in told)
