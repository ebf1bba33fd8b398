"""What must hold after every step, judged from the log and from what is kept beside it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec

from projections.items import ItemState, item_state
from projections.status.fold import fold
from projections.status.view import render
from schemas import events as e
from schemas.envelope import Recorded
from schemas.job import Job
from schemas.states import ACTIVE, HELD, Phase
from schemas.views import JobView
from services.jobs.times import Lease
from services.jobs.working import Known

LANGUAGES = ("en", "de")


def log_is_whole(log: Sequence[Recorded]) -> None:
    """Positions and versions are contiguous from 1, and the clock never goes back."""
    assert [told.position for told in log] == list(range(1, len(log) + 1))
    versions: Counter[tuple[str, str]] = Counter()
    for told in log:
        versions[told.tenant, told.stream] += 1
        assert told.version == versions[told.tenant, told.stream]
    assert all(one.recorded_at <= other.recorded_at for one, other in pairwise(log))


def streams_are_true(log: Sequence[Recorded]) -> None:
    """Of each job: clicks add up, work never goes back, attempts follow each other, an end is an end."""
    clicks: Counter[str] = Counter()
    done: dict[str, float] = defaultdict(float)
    attempts: dict[str, tuple[int, int]] = {}
    runs: dict[str, int] = {}
    late: Counter[tuple[str, int, int]] = Counter()
    for told in log:
        job, event = told.stream, told.data
        match event:
            case e.JobRequested():
                clicks[job], runs[job], attempts[job] = 1, 1, (1, 0)
            case e.RequestRepeated():
                clicks[job] += 1
                assert event.clicks == clicks[job]
            case e.AttemptStarted():
                assert (event.run, event.attempt) > attempts[job]
                assert event.run == runs[job], "an ended job began again unasked"
                attempts[job], done[job] = (event.run, event.attempt), 0
            case e.StageStarted():
                done[job] = 0
            case e.ProgressReported():
                assert event.done >= done[job]
                done[job] = event.done
            case e.JobFinished() | e.JobCanceled():
                runs[job] = 0
            case e.RetryRequested():
                runs[job], attempts[job] = event.run, (event.run, 0)
            case e.LateReportRefused():
                late[job, event.run, event.attempt] += 1
            case _:
                pass
    assert all(times == 1 for times in late.values()), "an outdated attempt is on record more than once"


def one_worker_for_an_attempt(jobs: Iterable[Job], leases: Mapping[str, Lease]) -> None:
    """A lease exists exactly while a job is held, and names its newest attempt."""
    for job in jobs:
        lease = leases.get(job.id)
        assert (lease is not None) == (job.phase in HELD), job.phase
        if lease:
            assert (lease.run, lease.attempt, lease.worker) == (job.run, job.attempt, job.worker)


def ledger_adds_up(job: Job, items: Mapping[str, Known]) -> None:
    """Each item is ready, failed or open, and every failed one is listed."""
    ledger = job.ledger
    if ledger is None:
        return
    assert ledger.ready + ledger.failed + ledger.open == ledger.total
    assert min(ledger.ready, ledger.failed, ledger.open) >= 0
    listed = [item for item in items.values() if item.run >= job.listed_from]
    failed = sum(item_state(item.run, item.attempt, item.failed, job) is ItemState.FAILED for item in listed)
    assert failed == ledger.failed, (job.phase, job.scope, ledger, items)


def one_job_for_a_request(jobs: Iterable[Job], displaced: set[str]) -> None:
    """Of the same request one job is active, but for those that somebody wished to run beside it."""
    active = Counter((job.tenant, job.dedupe) for job in jobs if job.dedupe and job.phase in ACTIVE)
    beside = Counter((job.tenant, job.dedupe) for job in jobs if job.id in displaced and job.phase in ACTIVE)
    for place, count in active.items():
        assert count - beside[place] <= 1, place


_encode = msgspec.json.Encoder().encode
_job = msgspec.json.Decoder(Job)


def live_equals_rebuilt(live: Job, rebuilt: Job) -> None:
    """To the byte, as the rows are compared."""
    assert _encode(rebuilt) == _encode(live)


def can_be_kept(job: Job) -> None:
    """What is stored reads back as it was."""
    assert _job.decode(_encode(job)) == job


def can_be_shown(job: Job, now: datetime) -> list[JobView]:
    """A person can always read where the job stands and do something about it, in both languages."""
    views = [render(job, language, as_of=now) for language in LANGUAGES]
    for view in views:
        assert view.sentence
        assert view.actions or job.phase is Phase.CANCELING, view
    return views


def displaced(log: Sequence[Recorded]) -> set[str]:
    """Jobs beside which somebody wished another of the same, and which have not taken their key back since."""
    jobs: dict[str, Job] = {}
    found: set[str] = set()
    for told in log:
        event = told.data
        if isinstance(event, e.JobTypeDefined):
            continue
        if isinstance(event, e.JobRequested) and event.again and event.dedupe:
            same = [job for job in jobs.values() if (job.tenant, job.dedupe) == (told.tenant, event.dedupe)]
            found |= {job.id for job in same if job.phase in ACTIVE}
        elif isinstance(event, e.RetryRequested):
            found.discard(told.stream)
        jobs[told.stream] = fold(jobs.get(told.stream), told)
    return found
