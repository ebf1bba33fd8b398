"""What time alone does: lost workers, silence, deadlines, pauses, and jobs that wait for a person."""

import pytest
from msgspec.structs import replace

from schemas import events as e
from schemas import requests
from schemas.events import Event
from schemas.job import Job, Progress
from schemas.jobtypes import Definition, Retry, Stall
from schemas.states import BLOCKED, ENDED, HELD, WAITING, Phase
from services.jobs.decide import pause_s
from services.jobs.times import Lease, decide_time
from tests.unit.spec import (
    EXPORT,
    FAILED,
    FLAT,
    JOB,
    ONCE,
    STARTED,
    STORED_PHASES,
    T0,
    At,
    Given,
    Then,
    after,
    given,
    job_after,
    job_in,
    report,
    text_after,
)

FAR = 10_000_000.0


def lease(expires_s: float = FAR, pending: Progress | None = None, pending_s: float | None = None) -> Lease:
    at = None if pending_s is None else after(pending_s)
    return Lease(1, 1, "w1", 30, T0, after(expires_s), pending, at)


def comes(start: Given, seconds: float, held: Lease | None = None) -> Then:
    held = held or (lease() if start.job.phase in HELD else None)
    return start.when(lambda job: decide_time(job, held, after(seconds)))


def lost(silent_s: float, attempt: int = 1) -> e.AttemptLost:
    return e.AttemptLost(run=1, attempt=attempt, worker="w1", silent_s=silent_s)


@pytest.mark.parametrize("phase", sorted(ENDED))
def test_time_changes_nothing_that_has_ended(phase: Phase) -> None:
    comes(Given(job_in(phase)), FAR).then()


@pytest.mark.parametrize("phase", STORED_PHASES)
def test_nothing_is_due_at_once(phase: Phase) -> None:
    comes(Given(job_in(phase)), 0).then()


# A lease that runs out


@pytest.mark.parametrize("phase", sorted(HELD - {Phase.CANCELING}))
def test_a_worker_without_a_sign_of_life_is_lost_and_the_run_queued_again(phase: Phase) -> None:
    start = Given(job_in(phase))
    comes(start, 29.9, lease(30)).then()
    job = comes(start, 30, lease(30)).then(lost(30), e.JobQueued(run=1, ready_at=text_after(30)))
    assert (job.phase, job.worker, job.failures) == (Phase.READY, None, 1)
    assert job.problem
    assert job.problem.cause == "lost"


def test_an_attempt_whose_lease_is_gone_is_lost() -> None:
    held = given(STARTED).when(lambda job: decide_time(job, None, after(1)))
    held.then(lost(0), e.JobQueued(run=1, ready_at=text_after(1)))


def test_a_job_that_loses_every_worker_gives_up_after_its_attempts() -> None:
    """A poison job must not go round for ever."""
    job, losses = job_after(), 0
    while job.phase is not Phase.GAVE_UP:
        job = (
            Given(job)
            .when(lambda job: [replace(STARTED, attempt=job.attempt + 1)])
            .then(replace(STARTED, attempt=job.attempt + 1))
        )
        told = comes(Given(job), 30, lease(30))
        assert isinstance(told.decision, list)
        job, losses = told.then(*told.decision), losses + 1
    assert losses == EXPORT.retry.attempts == 3


# Progress that was held back


def test_progress_that_was_held_back_is_told_when_its_second_is_over() -> None:
    held = lease(FAR, Progress(7, 10, "rows"), 10)
    start = given(STARTED, At(9, e.ProgressReported(done=5, total=10, unit="rows")))
    comes(start, 9.9, held).then()
    comes(start, 10, held).then(e.ProgressReported(done=7, total=10, unit="rows", last=False))


def test_nothing_held_back_is_told_of_a_job_that_is_to_stop() -> None:
    start = given(STARTED, e.ProgressReported(done=5, total=10), e.CancelRequested(held=True))
    comes(start, 10, lease(FAR, Progress(7, 10, None), 1)).then()


# Silence


@pytest.mark.parametrize("phase", sorted(HELD - {Phase.CANCELING, Phase.QUIET, Phase.STUCK}))
def test_a_worker_that_proves_no_work_turns_quiet(phase: Phase) -> None:
    comes(Given(job_in(phase)), 119).then()
    assert comes(Given(job_in(phase)), 120).then(e.AttemptQuiet(silent_s=120)).phase is Phase.QUIET


@pytest.mark.parametrize("phase", [Phase.QUIET, Phase.STUCK])
def test_silence_is_told_once(phase: Phase) -> None:
    comes(Given(job_in(phase)), FAR / 2).then()


def stalls(do: str, quiet: float | None = None, attempts: int = 3) -> Definition:
    stall = Stall(quiet=quiet, stuck=60, do=do)  # type: ignore[arg-type]  # "tell" or "retry"
    return Definition(title="Export", stall=stall, retry=Retry(attempts=attempts))


def test_a_type_says_itself_when_silence_begins() -> None:
    start = given(STARTED, kind=stalls("tell", quiet=10))
    quiet = comes(start, 10).then(e.AttemptQuiet(silent_s=10))
    comes(Given(quiet), 59.9).then()
    assert comes(Given(quiet), 60).then(e.AttemptStuck(silent_s=60)).phase is Phase.STUCK


def test_a_stuck_attempt_goes_to_another_worker_where_the_type_says_so() -> None:
    start = given(STARTED, kind=stalls("retry"))
    job = comes(start, 60).then(e.AttemptStuck(silent_s=60), lost(60), e.JobQueued(run=1, ready_at=text_after(60)))
    assert (job.phase, job.failures) == (Phase.READY, 1)


def test_a_job_that_is_stuck_in_its_last_attempt_gives_up() -> None:
    start = given(STARTED, kind=stalls("retry", attempts=1))
    job = comes(start, 60).then(e.AttemptStuck(silent_s=60), lost(60), e.NeedsFix(cause="gave_up"))
    assert job.phase is Phase.GAVE_UP


@pytest.mark.parametrize("sign", [e.StageStarted(stage="x"), e.ProgressReported(done=1, total=2)])
def test_silence_is_counted_from_the_last_proof_of_work(sign: Event) -> None:
    comes(given(STARTED, At(100, sign)), 219).then()
    comes(given(STARTED, At(100, sign)), 220).then(e.AttemptQuiet(silent_s=120))


# Deadlines


URGENT = Definition(title="Export", deadline=50)


@pytest.mark.parametrize("phase", sorted(WAITING))
def test_a_job_that_nobody_takes_before_its_deadline_asks_a_person(phase: Phase) -> None:
    due_s = 3650 if phase is Phase.SCHEDULED else 50
    job = comes(Given(job_in(phase, URGENT)), due_s).then(e.NeedsFix(cause="overdue"), now=due_s)
    assert (job.phase, job.blocked_at) == (Phase.OVERDUE, after(due_s))


@pytest.mark.parametrize("phase", sorted(HELD - {Phase.CANCELING}))
def test_an_attempt_past_its_deadline_ends(phase: Phase) -> None:
    failed = replace(FAILED, reason="the deadline passed", retryable=False)
    comes(Given(job_in(phase, URGENT)), 49).then()
    assert comes(Given(job_in(phase, URGENT)), 50).then(failed, e.NeedsFix(cause="overdue")).phase is Phase.OVERDUE


def test_a_job_that_is_being_stopped_at_its_deadline_is_canceled() -> None:
    failed = replace(FAILED, reason="the deadline passed", retryable=False)
    start = given(STARTED, At(49, e.CancelRequested(held=True)), kind=URGENT)
    assert comes(start, 50).then(failed, e.JobCanceled()).phase is Phase.STOPPED


def test_a_retry_has_the_whole_time_again() -> None:
    retry = [e.RetryRequested(run=2, scope="all", plan=""), e.JobQueued(run=2, ready_at=text_after(100))]
    start = given(e.NeedsFix(cause="overdue"), *retry, kind=URGENT)
    comes(start, 149).then()
    comes(start, 150).then(e.NeedsFix(cause="overdue"))


# Waiting


@pytest.mark.parametrize(("phase", "ready_s"), [(Phase.SCHEDULED, 3600), (Phase.RETRYING, 5)])
def test_a_job_whose_time_has_come_is_ready(phase: Phase, ready_s: float) -> None:
    start = Given(job_in(phase))
    comes(start, ready_s - 0.1).then()
    assert comes(start, ready_s + 1).then(e.JobQueued(run=1, ready_at=text_after(ready_s))).phase is Phase.READY


def test_a_job_that_nobody_takes_is_delayed_and_told_so_once() -> None:
    comes(given(), 59.9).then()
    job = comes(given(), 60).then(e.JobDelayed(ready_at=text_after(0)))
    assert job.phase is Phase.DELAYED
    comes(Given(job), FAR).then()


@pytest.mark.parametrize("phase", sorted(BLOCKED))
def test_a_fix_that_never_comes_ends_the_job(phase: Phase) -> None:
    start = Given(job_in(phase, Definition(title="Export", expires=1000)))
    comes(start, 999).then()
    assert comes(start, 1000).then(e.JobCanceled(expired=True)).phase is Phase.EXPIRED


# What follows a failure


def fails(start: Given, *, retryable: bool | None = None) -> Then:
    return start.when(report(requests.Fail(reason="boom", retryable=retryable, text="No luck.", next="Wait."), 0))


TOLD = replace(FAILED, text="No luck.", next="Wait.")


def test_a_failure_is_tried_again_after_a_pause() -> None:
    pause = pause_s(job_after(STARTED))
    job = fails(given(STARTED)).then(TOLD, e.RetryScheduled(run=1, attempt=1, at=text_after(pause)))
    assert (job.phase, job.failures, job.ready_at) == (Phase.RETRYING, 1, after(pause))
    assert job.problem
    assert (job.problem.cause, job.problem.text, job.problem.next) == ("failed", "No luck.", "Wait.")


@pytest.mark.parametrize(("kind", "retryable"), [(EXPORT, False), (ONCE, True), (ONCE, None)])
def test_a_person_is_asked_where_no_attempt_is_left(kind: Definition, retryable: bool | None) -> None:
    told = replace(TOLD, retryable=retryable is not False)
    gave_up = e.NeedsFix(cause="gave_up", text="No luck.", next="Wait.")
    assert fails(given(STARTED, kind=kind), retryable=retryable).then(told, gave_up).phase is Phase.GAVE_UP


def failed_times(failures: int, attempt: int = 1, job: str = JOB) -> Job:
    kind = Definition(title="Export", retry=Retry(backoff=FLAT, attempts=1000))
    return replace(job_after(STARTED, kind=kind), failures=failures, attempt=attempt, id=job)


@pytest.mark.parametrize(("failures", "whole_s"), [(0, 8), (1, 16), (2, 20), (3, 20), (999, 20)])
def test_pauses_double_up_to_the_most_with_jitter_down_to_one_half(failures: int, whole_s: float) -> None:
    pauses = [pause_s(failed_times(failures, attempt)) for attempt in range(1, 200)]
    assert all(whole_s / 2 <= pause <= whole_s for pause in pauses)
    assert max(pauses) - min(pauses) > whole_s / 3


def test_pauses_that_grow_past_all_numbers_are_the_most() -> None:
    steep = Definition(title="Export", retry=Retry(backoff=replace(FLAT, factor=100.0)))
    assert pause_s(replace(job_after(STARTED, kind=steep), failures=999)) <= 20


def test_a_pause_is_decided_the_same_wherever_it_is_decided() -> None:
    assert pause_s(failed_times(1)) == pause_s(failed_times(1))
    others = {pause_s(failed_times(1, attempt, job)) for attempt in (1, 2) for job in (JOB, JOB.replace("aa", "bb"))}
    assert len(others) == 4
