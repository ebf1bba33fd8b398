"""When time alone changes a job next: asked of every job, and never later than time really changes it."""

from datetime import datetime

import pytest

from projections.status.due import delayed_at, next_due
from schemas import events as e
from schemas.job import Job
from schemas.jobtypes import Definition, Stall
from schemas.states import BLOCKED, ENDED, HELD, Phase
from services.jobs.times import Lease, decide_time
from tests.unit.spec import STARTED, STORED_PHASES, T0, At, after, job_after, job_in

TYPES = {
    "plain": Definition(title="Export"),
    "deadline": Definition(title="Export", deadline=50),
    "stall": Definition(title="Export", stall=Stall(quiet=20, stuck=40), expires=1000),
    "stuck": Definition(title="Export", stall=Stall(stuck=40)),
}
FAR = Lease(1, 1, "w1", 30, T0, after(1e9))

DUE: dict[Phase, dict[str, float | None]] = {
    Phase.SCHEDULED: {"plain": 3600, "deadline": 3600, "stall": 3600, "stuck": 3600},
    Phase.READY: {"plain": 60, "deadline": 50, "stall": 60, "stuck": 60},
    Phase.DELAYED: {"plain": None, "deadline": 50, "stall": None, "stuck": None},
    Phase.RETRYING: {"plain": 5, "deadline": 5, "stall": 5, "stuck": 5},
    **{phase: {"plain": 120, "deadline": 50, "stall": 20, "stuck": 40} for phase in HELD},
    Phase.QUIET: {"plain": None, "deadline": 50, "stall": 40, "stuck": 40},
    Phase.STUCK: {"plain": None, "deadline": 50, "stall": None, "stuck": None},
    Phase.CANCELING: {"plain": 60, "deadline": 50, "stall": 60, "stuck": 60},
    **{phase: {"plain": 2_592_000, "deadline": 2_592_000, "stall": 1000, "stuck": 2_592_000} for phase in BLOCKED},
    **{phase: dict.fromkeys(TYPES) for phase in ENDED},
}


def first_due(job: Job) -> datetime | None:
    """By both places that the orchestrator looks at, leases apart."""
    return min((moment for moment in (next_due(job), delayed_at(job)) if moment), default=None)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("phase", STORED_PHASES)
def test_the_next_moment_of_every_phase(phase: Phase, kind: str) -> None:
    seconds = DUE[phase][kind]
    assert first_due(job_in(phase, TYPES[kind])) == (None if seconds is None else after(seconds))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("phase", STORED_PHASES)
def test_at_that_moment_and_not_before_time_changes_the_job(phase: Phase, kind: str) -> None:
    """Else the orchestrator would tell a job in vain, or too late."""
    job = job_in(phase, TYPES[kind])
    due = first_due(job)
    lease = FAR if phase in HELD else None
    if due:
        assert decide_time(job, lease, due)
    assert decide_time(job, lease, _just_before(due)) == []


def _just_before(due: datetime | None) -> datetime:
    return after((due - T0).total_seconds() - 0.001) if due else after(1e8)


def test_silence_is_counted_from_the_last_proof_of_work() -> None:
    assert next_due(job_after(STARTED, At(30, e.ProgressReported(done=1, total=2)))) == after(150)
