"""Canceling: at once where nobody works, by asking the worker where somebody does, and never twice."""

import pytest

from schemas import events as e
from schemas import requests
from schemas.problems import Problem
from schemas.states import BLOCKED, LIVELY, WAITING, Phase
from services.jobs.decide import decide_cancel
from services.jobs.times import Lease, decide_time
from tests.unit.spec import (
    BAD,
    FILE,
    PLAIN,
    STARTED,
    STORED,
    T0,
    Given,
    after,
    given,
    job_in,
    report,
)

ASKED = e.CancelRequested(held=True)


@pytest.mark.parametrize("phase", sorted(WAITING | BLOCKED))
def test_a_job_that_nobody_works_on_is_canceled_at_once(phase: Phase) -> None:
    asked = Given(job_in(phase)).when(lambda job: decide_cancel(job, T0))
    job = asked.then(e.CancelRequested(held=False), e.JobCanceled())
    assert (job.phase, job.cancel_asked, job.problem) == (Phase.STOPPED, False, None)
    assert job.finished_at == T0


@pytest.mark.parametrize("phase", sorted(LIVELY))
def test_a_worker_is_asked_to_stop(phase: Phase) -> None:
    job = Given(job_in(phase)).when(lambda job: decide_cancel(job, T0)).then(ASKED)
    assert (job.phase, job.cancel_asked) == (Phase.CANCELING, True)


@pytest.mark.parametrize("phase", [Phase.CANCELING, Phase.STOPPED, Phase.EXPIRED])
def test_asking_twice_is_fine_and_says_nothing_new(phase: Phase) -> None:
    Given(job_in(phase)).when(lambda job: decide_cancel(job, T0)).then()


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.PARTLY_DONE])
def test_a_finished_job_can_not_be_canceled(phase: Phase) -> None:
    refusal = Given(job_in(phase)).when(lambda job: decide_cancel(job, T0)).refused(Problem.ALREADY_FINISHED)
    assert refusal.args == {"ref": "EX-7F3K9MQ2"}


RELEASED = e.AttemptReleased(run=1, attempt=1)
WORD = requests.NeedsFix(text="The key was refused.")


@pytest.mark.parametrize("body", [requests.Release(), WORD])
def test_the_worker_stops_as_it_was_asked_to(body: requests.Body) -> None:
    job = given(STARTED, ASKED).when(report(body)).then(RELEASED, e.JobCanceled())
    assert (job.phase, job.worker) == (Phase.STOPPED, None)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failure_after_the_wish_to_stop_ends_the_job(retryable: bool) -> None:
    failed = e.AttemptFailed(run=1, attempt=1, reason="stopped", retryable=retryable)
    told = given(STARTED, ASKED).when(report(requests.Fail(reason="stopped", retryable=retryable)))
    assert told.then(failed, e.JobCanceled()).phase is Phase.STOPPED


def test_a_worker_that_was_done_first_finishes_the_job() -> None:
    """The result is there, so the person gets it."""
    body = requests.Finish(result=requests.UploadedResult(upload="u"))
    finished = e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)
    job = given(STARTED, ASKED).when(report(body, result=FILE)).then(STORED, finished)
    assert (job.phase, job.cancel_asked) == (Phase.DONE, False)


def test_items_that_fail_while_the_job_is_being_stopped_are_counted() -> None:
    """Else a worker that finishes all the same would call them ready."""
    said = given(STARTED, e.ProgressReported(done=2, total=10), ASKED, kind=PLAIN)
    problems = requests.Problems(items=[requests.ItemReport(row=17, column="email", reason="is missing")])
    job = said.when(report(problems)).then(e.ItemsFailed(items=(BAD,), failed=1, stopping=True))
    assert job.phase is Phase.CANCELING
    finish = requests.Finish(result=requests.UploadedResult(upload="u"))
    counted = e.JobFinished(run=1, attempt=1, ready=9, failed=1, total=10)
    ended = Given(job).when(report(finish, result=FILE)).then(STORED, counted)
    assert ended.phase is Phase.PARTLY_DONE


@pytest.mark.parametrize("body", [requests.Stage(name="writing"), requests.Progress(done=5, total=10)])
def test_progress_of_a_job_that_is_being_stopped_is_not_told(body: requests.Body) -> None:
    given(STARTED, ASKED).when(report(body)).then()


def lease(expires_s: float) -> Lease:
    return Lease(run=1, attempt=1, worker="w1", lease_s=30, seen_at=T0, expires_at=after(expires_s))


def test_a_worker_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    """Its beats keep the lease, but the person asked to stop a minute ago."""
    asked = given(STARTED, ASKED)
    asked.when(lambda job: decide_time(job, lease(90), after(59.9))).then()
    lost = e.AttemptLost(run=1, attempt=1, worker="w1", silent_s=60)
    job = asked.when(lambda job: decide_time(job, lease(90), after(60))).then(lost, e.JobCanceled())
    assert job.phase is Phase.STOPPED


def test_a_lost_worker_of_a_job_that_is_being_stopped_ends_it() -> None:
    lost = e.AttemptLost(run=1, attempt=1, worker="w1", silent_s=30)
    ended = given(STARTED, ASKED).when(lambda job: decide_time(job, lease(30), after(30))).then(lost, e.JobCanceled())
    assert ended.phase is Phase.STOPPED
