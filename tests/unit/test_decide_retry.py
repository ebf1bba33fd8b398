"""Retries by hand: another run of the same job, never unasked for, never other than what was confirmed."""

import pytest
from msgspec.structs import replace

from schemas import events as e
from schemas import requests
from schemas.job import Job
from schemas.jobtypes import Definition, Retry
from schemas.problems import Problem
from schemas.states import HELD, RETRYABLE, WAITING, Phase
from services.jobs.decide import Decision, decide_retry
from services.jobs.dedupe import Memory
from services.jobs.plan import plan_digest
from tests.unit.spec import (
    NOTES,
    PARTLY,
    PLAIN,
    STARTED,
    T0,
    Given,
    after,
    given,
    job_after,
    job_in,
    text_after,
)

TWIN = "0193a5b0-0000-7000-8000-0000000000bb"
NOW = 100.0


def retry(job: Job, *, failed: list[str] | None = None, memory: Memory | None = None, **body: object) -> Decision:
    asked = requests.Retry(**body)  # type: ignore[arg-type]  # named like its fields
    return decide_retry(job, asked, failed or [], memory, after(NOW))


def again(job: Job, scope: str = "all", failed: list[str] | None = None, input_: object = None) -> list[e.Event]:
    run = job.run + 1
    plan = plan_digest(job, scope, failed or [], input_)
    return [
        e.RetryRequested(run=run, scope=scope, plan=plan, input=input_),
        e.JobQueued(run=run, ready_at=text_after(NOW)),
    ]


@pytest.mark.parametrize("phase", sorted(RETRYABLE))
def test_what_stopped_short_gets_another_run(phase: Phase) -> None:
    job = job_in(phase)
    after_it = Given(job).when(retry).then(*again(job))
    assert (after_it.phase, after_it.run, after_it.attempt, after_it.failures) == (Phase.READY, 2, 0, 0)
    assert (after_it.problem, after_it.finished_at, after_it.blocked_at) == (None, None, None)


@pytest.mark.parametrize("phase", sorted(WAITING | HELD))
def test_a_first_run_that_still_goes_on_is_not_repeated(phase: Phase) -> None:
    Given(job_in(phase)).when(retry).refused(Problem.STILL_RUNNING)


def test_a_finished_job_has_nothing_to_retry() -> None:
    Given(job_in(Phase.DONE)).when(retry).refused(Problem.NOTHING_TO_RETRY)


def test_a_retry_that_waits_or_runs_is_done_already() -> None:
    job = Given(job_in(Phase.STOPPED)).when(retry).then(*again(job_in(Phase.STOPPED)))
    Given(job).when(retry).then()
    taken = Given(job).when(lambda _: [e.AttemptStarted(run=2, attempt=1, worker="w1")])
    running = taken.then(e.AttemptStarted(run=2, attempt=1, worker="w1"))
    Given(running).when(retry).then()


def test_only_the_failed_items_run_again() -> None:
    job = job_after(*PARTLY)
    run = Given(job).when(lambda job: retry(job, scope="failed_items", failed=["17"]))
    retried = run.then(*again(job, "failed_items", ["17"]))
    assert retried.ledger
    assert (retried.scope, retried.ledger.kept, retried.ledger.open, retried.ledger.total) == ("failed_items", 9, 1, 10)


def test_without_failed_items_there_are_none_to_retry() -> None:
    Given(job_after(*PARTLY)).when(lambda job: retry(job, scope="failed_items")).refused(Problem.NOTHING_TO_RETRY)


def test_failed_items_alone_would_leave_undone_what_no_worker_came_to() -> None:
    stopped = [
        STARTED,
        e.ProgressReported(done=5, total=10),
        e.ItemsFailed(items=(e.Item(id="1"),), failed=1),
        e.AttemptFailed(run=1, attempt=1, reason="boom", retryable=False),
        e.NeedsFix(cause="gave_up"),
    ]
    half = given(*stopped, kind=PLAIN)
    half.when(lambda job: retry(job, scope="failed_items", failed=["1"])).refused(Problem.NOTHING_TO_RETRY)
    half.when(retry).then(*again(half.job))


def test_corrected_input_is_covered_by_the_plan() -> None:
    job = job_after(*PARTLY)
    mended = {"rows": [{"row": 17, "email": "a@b.example"}]}
    shown = plan_digest(job, "failed_items", ["17"], None)
    Given(job).when(lambda job: retry(job, scope="failed_items", failed=["17"], input=mended, plan=shown)).refused(
        Problem.PLAN_CHANGED
    )
    same = plan_digest(job, "failed_items", ["17"], mended)
    run = Given(job).when(lambda job: retry(job, scope="failed_items", failed=["17"], input=mended, plan=same))
    assert run.then(*again(job, "failed_items", ["17"], mended)).retry_input


@pytest.mark.parametrize("safety", ["may_duplicate", "may_charge"])
def test_what_could_do_harm_must_be_confirmed(safety: str) -> None:
    kind = Definition(title="Import", retry=Retry(safety=safety))  # type: ignore[arg-type]  # both are of the contract
    job = job_in(Phase.GAVE_UP, kind)
    refusal = Given(job).when(retry).refused(Problem.CONFIRM_FIRST)
    assert refusal.extra["plan"] == {"scope": "all", "ids": [], "digest": plan_digest(job, "all", [], None)}
    Given(job).when(lambda job: retry(job, confirm=True)).then(*again(job))


def test_a_plan_that_changed_since_it_was_shown_is_shown_anew() -> None:
    """One more item failed between the look and the click."""
    job = replace(job_after(*PARTLY), definition=NOTES)
    shown = plan_digest(job, "failed_items", ["17"], None)
    click = Given(job).when(lambda job: retry(job, scope="failed_items", failed=["17", "18"], plan=shown, confirm=True))
    refusal = click.refused(Problem.PLAN_CHANGED)
    now = {"scope": "failed_items", "ids": ["17", "18"], "digest": plan_digest(job, "failed_items", ["17", "18"], None)}
    assert refusal.extra == {"plan": now}


def memory(job: str, *, active: bool = True, until_s: float | None = None) -> Memory:
    return Memory(job, T0, after(until_s) if until_s else None, active)


@pytest.mark.parametrize("held", [memory(TWIN), memory(TWIN, active=False, until_s=NOW + 1)])
def test_a_newer_twin_that_holds_the_key_goes_first(held: Memory) -> None:
    refusal = Given(job_in(Phase.STOPPED)).when(lambda job: retry(job, memory=held)).refused(Problem.NEWER_TWIN)
    assert refusal.extra == {"job": TWIN}


@pytest.mark.parametrize(
    "held",
    [
        memory("0193a5b0-0000-7000-8000-0000000000aa"),
        memory(TWIN, active=False),
        memory(TWIN, active=False, until_s=NOW),
    ],
)
def test_a_key_that_nobody_else_holds_is_no_hindrance(held: Memory) -> None:
    job = job_in(Phase.STOPPED)
    Given(job).when(lambda job: retry(job, memory=held)).then(*again(job))


def test_a_run_of_failed_items_that_gave_up_offers_the_same_items_again() -> None:
    """Never a dead end, and never the whole job once more for the sake of one item."""
    job = job_after(
        *PARTLY,
        e.RetryRequested(run=2, scope="failed_items", plan=""),
        e.JobQueued(run=2, ready_at=text_after(0)),
        e.AttemptStarted(run=2, attempt=1, worker="w1"),
        e.AttemptFailed(run=2, attempt=1, reason="boom", retryable=False),
        e.NeedsFix(cause="gave_up"),
    )
    assert job.ledger
    assert (job.ledger.ready, job.ledger.failed, job.ledger.open) == (9, 1, 0)
    run = Given(job).when(lambda job: retry(job, scope="failed_items", failed=["17"]))
    assert run.then(*again(job, "failed_items", ["17"])).run == 3


def test_a_retry_keeps_what_a_resumed_job_has_ready() -> None:
    ready = [STARTED, e.ProgressReported(done=4, total=10), e.NeedsFix(cause="asked", text="?")]
    for kind, kept in ((NOTES, 4), (PLAIN, 0)):
        job = given(*ready, kind=kind).job
        retried = Given(job).when(lambda job: retry(job, confirm=True)).then(*again(job))
        assert retried.ledger
        assert (retried.ledger.ready, retried.ledger.total) == (kept, 10)


def test_the_result_of_a_run_that_begins_afresh_is_gone() -> None:
    job = job_after(*PARTLY)
    assert job.result
    assert Given(job).when(retry).then(*again(job)).result is None
