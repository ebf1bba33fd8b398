"""Clicks and claims: a request becomes a job, a repeat is one click more, a worker takes what is ready."""

import pytest

from schemas import events as e
from schemas import requests
from schemas.jobtypes import Definition
from schemas.states import CLAIMABLE, Phase
from services.jobs.decide import decide_repeat, decide_start, decide_submit
from tests.unit.spec import (
    EXPORT,
    FAILED,
    JOB,
    KEY,
    STARTED,
    STORED_PHASES,
    T0,
    Given,
    after,
    folded,
    given,
    job_in,
    text_after,
)


def body(**fields: object) -> requests.Submit:
    return requests.Submit(type="orders.export", owner="ann", **fields)  # type: ignore[arg-type]  # named like its fields


def submitted(kind: Definition = EXPORT, **fields: object) -> tuple[e.JobRequested, e.JobQueued]:
    first, queued = decide_submit(JOB, body(**fields), kind, KEY, T0)
    assert isinstance(first, e.JobRequested)
    assert isinstance(queued, e.JobQueued)
    return first, queued


def test_a_request_becomes_a_job_that_is_ready_at_once() -> None:
    first, queued = submitted(input={"table": "orders"}, settings={"format": "csv"}, size=50_000, title="Orders")
    assert (first.type, first.owner, first.title, first.size) == ("orders.export", "ann", "Orders", 50_000)
    assert (first.input, first.settings) == ({"table": "orders"}, {"format": "csv"})
    assert (first.dedupe, first.again, first.not_before) == (KEY, False, None)
    assert first.definition is EXPORT
    assert first.ref.startswith("EX-")
    assert queued == e.JobQueued(run=1, ready_at=text_after(0))
    assert folded(first, queued).phase is Phase.READY


def test_a_request_for_later_waits_for_its_time() -> None:
    first, queued = submitted(not_before=after(90))
    assert first.not_before == text_after(90)
    assert queued == e.JobQueued(run=1, ready_at=text_after(90), waits=True)
    assert folded(first, queued).phase is Phase.SCHEDULED


@pytest.mark.parametrize("seconds", [-5, 0])
def test_a_time_that_has_come_is_no_reason_to_wait(seconds: float) -> None:
    _, queued = submitted(not_before=after(seconds))
    assert queued == e.JobQueued(run=1, ready_at=text_after(0))


@pytest.mark.parametrize(("asked", "priority"), [(None, 7), (0, 0), (-100, -100), (100, 100)])
def test_the_request_goes_before_the_type_in_priority(asked: int | None, priority: int) -> None:
    first, _ = submitted(Definition(title="Export", priority=7), priority=asked)
    assert first.priority == priority


def test_a_fresh_run_that_was_wished_for_says_so() -> None:
    first, _ = submitted(again=True)
    assert first.again


@pytest.mark.parametrize("phase", STORED_PHASES)
def test_a_repeat_is_one_click_more_and_nothing_else(phase: Phase) -> None:
    job = job_in(phase)
    once = Given(job).when(decide_repeat).then(e.RequestRepeated(clicks=2))
    twice = Given(once).when(decide_repeat).then(e.RequestRepeated(clicks=3))
    assert (twice.clicks, twice.phase) == (3, phase)


@pytest.mark.parametrize("phase", sorted(CLAIMABLE))
def test_a_worker_takes_what_waits_and_is_ready(phase: Phase) -> None:
    taken = Given(job_in(phase)).when(lambda job: decide_start(job, "w2", after(3600)))
    job = taken.then(e.AttemptStarted(run=1, attempt=taken.job.attempt + 1, worker="w2"))
    assert (job.phase, job.worker) == (Phase.STARTING, "w2")


@pytest.mark.parametrize("phase", [phase for phase in STORED_PHASES if phase not in CLAIMABLE])
def test_nobody_takes_what_does_not_wait(phase: Phase) -> None:
    Given(job_in(phase)).when(lambda job: decide_start(job, "w2", after(3600))).then()


@pytest.mark.parametrize(("phase", "ready_s"), [(Phase.SCHEDULED, 3600), (Phase.RETRYING, 5)])
def test_nobody_takes_a_job_before_its_time(phase: Phase, ready_s: float) -> None:
    early, on_time = after(ready_s - 0.001), after(ready_s)
    assert decide_start(job_in(phase), "w2", early) == []
    assert len(decide_start(job_in(phase), "w2", on_time)) == 1


def test_attempts_are_counted_within_the_run() -> None:
    queued = e.JobQueued(run=1, ready_at=text_after(5))
    retried = given(STARTED, FAILED, e.RetryScheduled(run=1, attempt=1, at=text_after(5)), queued)
    retried.when(lambda job: decide_start(job, "w2", after(5))).then(e.AttemptStarted(run=1, attempt=2, worker="w2"))
