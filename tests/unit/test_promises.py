"""The promises, under random commands, a random clock and crashes that drop a batch before it is written."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from projections.status.fold import FAILED_ITEMS
from schemas import events as e
from schemas import requests
from schemas.commands import Command, Outcome, RetryJob, SubmitJob
from schemas.job import Job
from schemas.jobtypes import Definition
from schemas.problems import Problem, Rejection
from schemas.states import ACTIVE, HELD, RETRYABLE
from services.jobs.obey import Answer, obey
from services.jobs.working import Working
from tests.unit import promises
from tests.unit import random_commands as chance
from tests.unit.world import World

SECONDS = [0, 0, 0.3, 0.3, 1, 1, 2, 5, 30, 60, 120, 700]
PAUSES = st.sampled_from([0, 0.3, 1, 1, 2])
RARELY = st.integers(0, 5).map(lambda drawn: drawn == 5)
STEPS_MAX = 2000  # of time alone, until nothing is due any more


class Promises(RuleBasedStateMachine):
    """One open batch at a time; `write` commits it and lets time pass, `crash` forgets it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.work: Working = self.world.begin()
        self.clicks = 0
        self.displaced: set[str] = set()  # jobs beside which somebody wished another of the same
        self.displaced_now: set[str] = set()

    @initialize()
    def define_types(self) -> None:
        for tenant in chance.TENANTS:
            for name, kind in zip(chance.NAMES, chance.KINDS, strict=True):
                self.do(chance.define(tenant, name, kind))
        self.write(0)

    # The batch

    @rule(seconds=st.sampled_from(SECONDS), crash=RARELY)
    def end_batch(self, seconds: float, crash: bool) -> None:
        if crash:
            self.begin(seconds)
        else:
            self.write(seconds)

    def write(self, seconds: float) -> None:
        self.world.write(self.work)
        self.displaced = self.displaced_now
        self.check()
        self.begin(seconds)

    def begin(self, seconds: float) -> None:
        self.world.pass_time(seconds)
        self.work = self.world.begin()
        self.displaced_now = set(self.displaced)

    # The commands

    @rule(chosen=chance.submits, kind=st.sampled_from(chance.KINDS), redefined=RARELY)
    def submit(self, chosen: chance.Click, kind: Definition, redefined: bool) -> None:
        if redefined:
            self.do(chance.define(chosen.tenant, chosen.name, kind))
        self.clicks += 1
        self.do(chance.submit(chosen, self.work.now, chance.job_id(self.clicks)))

    @rule(
        tenant=st.sampled_from(chance.TENANTS),
        worker=st.sampled_from(chance.WORKERS),
        most=st.integers(1, 3),
        key=st.sampled_from([None, None, "c1"]),
    )
    def claim(self, tenant: str, worker: str, most: int, key: str | None) -> None:
        answer = self.do(chance.claim(tenant, list(chance.NAMES), worker, most, key))
        if isinstance(answer, Outcome):
            assert all(self.work.jobs[a.job.id].worker == a.job.worker for a in answer.assignments)

    @rule(chosen=chance.submits, bodies=st.lists(chance.bodies, min_size=2, max_size=8), seconds=PAUSES)
    def live(self, chosen: chance.Click, bodies: list[requests.Body], seconds: float) -> None:
        """A click and what a worker makes of it."""
        self.clicks += 1
        self.do(chance.submit(chosen, self.work.now, chance.job_id(self.clicks)))
        self.work_on(0, bodies, seconds)

    @precondition(lambda self: any(job.phase in RETRYABLE for job in self.work.jobs.values()))
    @rule(
        pick=st.integers(0, 99),
        chosen=chance.retries,
        bodies=st.lists(chance.bodies, min_size=1, max_size=8),
        seconds=PAUSES,
    )
    def live_again(self, pick: int, chosen: chance.Wish, bodies: list[requests.Body], seconds: float) -> None:
        self.retry(pick | 1, chosen)
        self.work_on(pick, bodies, seconds)

    def work_on(self, pick: int, bodies: list[requests.Body], seconds: float) -> None:
        """A worker takes what is ready and says one thing after the other, each written before the next."""
        self.write(seconds)
        waiting = sorted(self.world.queue)
        if not waiting:
            return
        job = self.work.jobs[waiting[pick % len(waiting)]]
        self.do(chance.claim(job.tenant, [job.type], "w1", 9))
        for body in bodies:
            self.do(chance.report(job, body, run=job.run, attempt=job.attempt + 1))
            self.write(seconds)

    @precondition(lambda self: self.work.leases)
    @rule(pick=st.integers(0, 99), body=chance.bodies)
    def report(self, pick: int, body: requests.Body) -> None:
        held = [job for job in self.work.jobs.values() if job.phase in HELD]
        if held:
            job = held[pick % len(held)]
            self.do(chance.report(job, body, run=job.run, attempt=job.attempt))

    @precondition(lambda self: self.work.jobs)
    @rule(pick=st.integers(0, 99), body=chance.bodies, back=st.integers(0, 1))
    def report_late(self, pick: int, body: requests.Body, back: int) -> None:
        job = self.job(pick)
        self.do(chance.report(job, body, run=job.run, attempt=max(0, job.attempt - back)))

    @precondition(lambda self: self.work.jobs)
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        self.do(chance.cancel(self.job(pick)))

    @precondition(lambda self: self.work.jobs)
    @rule(pick=st.integers(0, 99), chosen=chance.retries)
    def retry(self, pick: int, chosen: chance.Wish) -> None:
        """Mostly of a job that can be retried, where there is any."""
        stopped = [job for job in self.work.jobs.values() if job.phase in RETRYABLE]
        job = stopped[pick % len(stopped)] if stopped and pick % 4 else self.job(pick)
        failed = sorted(self.work.failed_items(job)) if chosen.scope == FAILED_ITEMS else []
        answer = self.do(chance.retry(job, chosen, failed))
        if isinstance(answer, Outcome) and answer.status == 202:
            assert answer.job
            assert answer.job.run == job.run + 1
            assert chosen.plan != "other"
            assert chosen.confirm or job.definition.retry.safety == "safe"

    @precondition(lambda self: self.work.jobs)
    @rule(pick=st.integers(0, 99))
    def time_came(self, pick: int) -> None:
        self.do(chance.time_came(self.job(pick)))

    @rule()
    def all_time_came(self) -> None:
        """What the orchestrator does: tell every job that is due."""
        for job in list(self.work.jobs.values()):
            due = self.world.due(job)
            if due and due <= self.work.now:
                self.do(chance.time_came(job))

    def job(self, pick: int) -> Job:
        jobs = list(self.work.jobs.values())
        return jobs[pick % len(jobs)]

    # What holds after each

    def do(self, command: Command) -> Answer:
        before, head = _snapshot(self.work), len(self.work.batch.recorded)
        answer = obey(self.work, command)
        added = [told.data for told in self.work.batch.recorded[head:]]
        self.note(command, before[0], added)
        if isinstance(answer, Rejection):
            _nothing_but_the_record(answer, before, _snapshot(self.work), added)
        elif answer.replayed:
            assert not added
            assert _snapshot(self.work) == before
        return answer

    def note(self, command: Command, before: dict[str, Job], added: list[e.Event]) -> None:
        """Somebody wished a job beside the same one, or a job took its key back."""
        for event in added:
            if isinstance(event, e.JobRequested) and event.again and isinstance(command, SubmitJob):
                same = [job for job in before.values() if (job.tenant, job.dedupe) == (command.tenant, event.dedupe)]
                self.displaced_now |= {job.id for job in same if job.phase in ACTIVE and event.dedupe}
            elif isinstance(event, e.RetryRequested):
                assert isinstance(command, RetryJob)
                self.displaced_now.discard(command.job)

    def check(self) -> None:
        world = self.world
        assert world.rebuilt == world.jobs
        assert set(world.queue) == world.waiting()
        promises.one_worker_for_an_attempt(world.jobs.values(), world.leases)
        promises.one_job_for_a_request(world.jobs.values(), self.displaced)
        assert self.work.batch.jobs == {id_: row.job for id_, row in self.work.changes.jobs.items()}
        for id_ in self.work.changes.jobs:
            job = world.jobs[id_]
            promises.live_equals_rebuilt(job, world.rebuilt[id_])
            promises.ledger_adds_up(job, world.items.get(id_, {}))
            promises.can_be_kept(job)
            promises.can_be_shown(job, world.now)
        for place, memory in self.work.memories.items():
            assert world.memories.get(place) == memory
        assert world.memories.keys() <= self.work.memories.keys()

    def teardown(self) -> None:
        """Time alone brings every job to a place where a person can act."""
        self.write(0)
        for _ in range(STEPS_MAX):
            due = sorted((moment, job.id) for job in self.world.jobs.values() if (moment := self.world.due(job)))
            if not due:
                break
            self.until(due[0][0])
            self.do(chance.time_came(self.work.jobs[due[0][1]]))
            assert self.work.changed, self.work.jobs[due[0][1]].phase
            self.write(0)
        else:
            raise AssertionError("time never comes to an end")
        promises.log_is_whole(self.world.log)
        promises.streams_are_true(self.world.log)
        assert not any(job.phase in HELD for job in self.world.jobs.values())
        for job in self.world.jobs.values():
            promises.can_be_shown(job, self.world.now)

    def until(self, moment: datetime) -> None:
        self.begin(max(0.0, (moment - self.world.now).total_seconds()))


Snapshot = tuple[dict[str, Job], dict[str, object], dict[tuple[str, str], object], int]


def _snapshot(work: Working) -> Snapshot:
    leases = {job: lease for job, lease in work.leases.items() if lease}
    return dict(work.jobs), dict(leases), dict(work.memories), len(work.keys)


def _nothing_but_the_record(refusal: Rejection, before: Snapshot, now: Snapshot, added: list[e.Event]) -> None:
    """A refused command adds nothing; an outdated attempt's first late report is on record, and that is all."""
    if refusal.problem is not Problem.LEASE_OUTDATED:
        assert not added
        assert now == before
        return
    assert [type(event) for event in added] in ([], [e.LateReportRefused])
    assert now[1:] == before[1:]
    for id_, job in now[0].items():
        was = before[0][id_]
        moved = {"version", "position", "updated_at", "refused"}
        same = [field for field in Job.__struct_fields__ if field not in moved]
        assert [getattr(job, field) for field in same] == [getattr(was, field) for field in same]


TestPromises = Promises.TestCase
