"""One command against the working set: load what it names, decide, record. Every answer is a value.

A refusal changes nothing, but for the one event that keeps the first late report of an attempt on record.
"""

from collections import defaultdict
from collections.abc import Callable, Generator
from datetime import datetime, timedelta

import msgspec
import rfc8785

from eventstore.append import TooLarge
from projections.status.fold import FAILED_ITEMS
from schemas import requests
from schemas.commands import (
    Assignment,
    CancelJob,
    ClaimJobs,
    Command,
    DefineType,
    ErasePerson,
    IdempotencyKey,
    Met,
    Outcome,
    RecordRead,
    ReportWork,
    RetryJob,
    StateEstimate,
    SubmitJob,
    TimeCame,
)
from schemas.envelope import LINE_MAX_BYTES
from schemas.events import Event, JobTypeDefined, PersonErased
from schemas.job import Job
from schemas.jobtypes import Definition, Limits
from schemas.problems import Fault, Problem, Rejection
from schemas.states import ACTIVE, HELD
from services.jobs.decide import (
    Late,
    Later,
    decide_cancel,
    decide_estimate,
    decide_repeat,
    decide_retry,
    decide_start,
    decide_stop,
    decide_submit,
)
from services.jobs.dedupe import INEXACT, digest_of
from services.jobs.fair import in_turn
from services.jobs.reports import PROGRESS_EVERY_S, Facts, decide_report
from services.jobs.times import Lease, decide_time
from services.jobs.working import FirstAnswer, Waiting, Working, claimed

Answer = Outcome | Rejection

VERBS = {body: verb for verb, body in requests.REPORTS.items()}
_json = msgspec.json.Encoder()


def obey(work: Working, command: Command) -> Answer:
    """Decide one command and record what follows from it."""
    for key in command.keys:
        first = work.keys.get((command.tenant, key.call, key.key))
        if first:
            return _again(work, command, key, first)
    try:
        answer = OBEY[type(command)](work, command)
    except TooLarge:
        fault = Fault("", f"the event would be larger than {LINE_MAX_BYTES} bytes")
        return Rejection(Problem.TOO_LARGE, {"limit": LINE_MAX_BYTES}, (fault,))
    except rfc8785.CanonicalizationError:
        return uncountable()
    if isinstance(answer, Outcome) and not _came_for_nothing(command, answer):
        _keep(work, command, answer)
    return answer


def uncountable() -> Rejection:
    return Rejection(Problem.INVALID, faults=(Fault("/input", INEXACT),))


def _came_for_nothing(command: Command, answer: Outcome) -> bool:
    """A claim that got nothing leaves its key free, so that said again it gets what is ready by then."""
    return isinstance(command, ClaimJobs) and not answer.assignments


def _keep(work: Working, command: Command, answer: Outcome) -> None:
    for key in command.keys:
        given = [(a.job.id, a.job.run, a.job.attempt) for a in answer.assignments]
        first = FirstAnswer(
            body=key.body,
            status=answer.status,
            job=answer.job.id if answer.job else None,
            answer=_json.encode(given) if given else None,
            position=answer.position,
        )
        work.keep_key(command.tenant, key, first)


def _again(work: Working, command: Command, key: IdempotencyKey, first: FirstAnswer) -> Answer:
    """The same key again: the first status with the current view, and nothing appended. Another body is refused."""
    if key.body != first.body:
        return Rejection(Problem.KEY_REUSED, {"key": key.key}, (Fault("", "differs from the key's first body"),))
    job = work.jobs.get(first.job) if first.job else None
    held = _still_held(work, first) if isinstance(command, ClaimJobs) else ()
    kind = work.types.get((command.tenant, command.name)) if isinstance(command, DefineType) else None
    return _outcome(
        work,
        status=first.status,
        job=job,
        replayed=True,
        cancel_requested=bool(job and job.cancel_asked),
        assignments=held,
        definition=kind[1] if kind else None,
    )


def _still_held(work: Working, first: FirstAnswer) -> tuple[Assignment, ...]:
    """The attempts that a claim with this key was given, as far as they are still held."""
    found = []
    for id_, run, attempt in claimed(first):
        job, lease = work.jobs.get(id_), work.leases.get(id_)
        if job and lease and job.phase in HELD and (job.run, job.attempt) == (run, attempt):
            found.append(_assignment(work, job, lease))
    return tuple(found)


def _outcome(work: Working, **facts: object) -> Outcome:
    return Outcome(partition=work.batch.partition, position=work.batch.head, at=work.now, **facts)  # type: ignore[arg-type]  # named like its fields


def _submit(work: Working, command: SubmitJob) -> Answer:
    kind = work.types.get((command.tenant, command.body.type))
    if kind is None:
        return Rejection(
            Problem.UNKNOWN_TYPE, {"name": command.body.type}, (Fault("/type", "no job type has this name"),)
        )
    digest = _digest(work, command, kind[1])
    memory = work.memories.get((command.tenant, digest)) if digest and not command.body.again else None
    met = work.job_of(memory.job, command.tenant) if memory and memory.holds(work.now) else None
    if met and memory:
        job = work.record(met, met.id, met.tenant, decide_repeat(met), command.cause)
        repeat = Met(job=job or met, first_at=memory.first_at, same=kind[1].dedupe.same)
        return _outcome(work, status=200, job=job, met=repeat)
    events = decide_submit(command.job, command.body, kind[1], digest, work.now)
    job = work.record(None, command.job, command.tenant, events, command.cause)
    if job:
        job = work.state(job, work.estimates.accepted(job, work.now), command.cause)
    return _outcome(work, status=201, job=job)


def _digest(work: Working, command: SubmitJob, kind: Definition) -> str | None:
    """Made when the batch was read, by the same definition; a digest is half of what deciding a submit takes."""
    if command.job in work.digests:
        return work.digests[command.job]
    return digest_of(kind, command)


def _claim(work: Working, command: ClaimJobs) -> Answer:
    """The next jobs, each tenant's in its turn, by priority and age, within the types' limits on live leases."""
    taken: list[Assignment] = []
    turns = _turns(work, command)
    next_ = next(turns, None)
    while next_ is not None and len(taken) < command.max:
        job = work.jobs[next_.job]
        events = decide_start(job, command.worker, work.now)
        takes = bool(events) and _within_limits(work, job)
        if takes:
            taken.append(_take(work, job, events, command))
        try:
            next_ = turns.send(takes)
        except StopIteration:
            break
    return _outcome(work, assignments=tuple(taken))


def _turns(work: Working, command: ClaimJobs) -> Generator[Waiting, bool, None]:
    live: dict[tuple[str, str], int] = defaultdict(int)
    for (tenant, type_, _), count in work.live.items():
        live[tenant, type_] += count
    kinds = command.kinds
    weights = {kind: work.types[kind][1].weight for kind in kinds if kind in work.types}
    return in_turn({kind: work.queues.get(kind, ()) for kind in kinds}, live, weights)


def _take(work: Working, job: Job, events: list[Event], command: ClaimJobs) -> Assignment:
    started = work.record(job, job.id, job.tenant, events, command.cause) or job
    started = work.state(started, work.estimates.started(started, work.now), command.cause)
    lease = Lease(
        run=started.run,
        attempt=started.attempt,
        worker=command.worker,
        lease_s=started.definition.lease,
        seen_at=work.now,
        expires_at=work.now + timedelta(seconds=started.definition.lease),
    )
    work.set_lease(started, lease)
    return _assignment(work, started, lease)


def _assignment(work: Working, job: Job, lease: Lease) -> Assignment:
    """The handler adds input, settings and items once the claim is committed."""
    return Assignment(
        job=job,
        expires_at=lease.expires_at,
        input=None,
        settings=None,
        items=(),
        traceparent=job.traceparent,
        asked=work.request_of(job.id),
    )


def _within_limits(work: Working, job: Job) -> bool:
    kind = work.types.get((job.tenant, job.type))
    limits = kind[1].limits if kind else job.definition.limits
    if limits == Limits():
        return True
    of_type = [(place, n) for place, n in work.live.items() if place[1] == job.type]
    tenant = sum(n for place, n in of_type if place[0] == job.tenant)
    owner = work.live[job.tenant, job.type, job.owner]
    total = sum(n for _, n in of_type)
    return not (
        (limits.per_tenant is not None and tenant >= limits.per_tenant)
        or (limits.per_owner is not None and owner >= limits.per_owner)
        or (limits.total is not None and total >= limits.total)
    )


def _report(work: Working, command: ReportWork) -> Answer:
    job = work.job_of(command.job, command.tenant)
    if job is None:
        return Rejection(Problem.NOT_FOUND)
    lease = work.leases.get(job.id)
    facts = Facts(
        run=command.run,
        attempt=command.attempt,
        verb=VERBS[type(command.body)],
        pending=lease.pending if lease else None,
        failed=work.failed_items(job),
        open=work.open_items(job),
        result=command.result,
    )
    decision = decide_report(job, command.body, facts, work.now)
    if isinstance(decision, Rejection):
        return decision
    if isinstance(decision, Late):
        work.record(job, job.id, job.tenant, decision.events, command.cause)
        return Rejection(Problem.LEASE_OUTDATED, {"ref": job.ref})
    if isinstance(decision, Later):
        work.renew(job, decision.progress, _told_at(job))
        return _outcome(work, job=job, cancel_requested=job.cancel_asked)
    after = work.record(job, job.id, job.tenant, decision, command.cause) or job
    if after.phase in HELD:
        work.renew(after, *((None, None) if decision else (facts.pending, lease.pending_at if lease else None)))
    return _outcome(work, job=after, cancel_requested=after.cancel_asked)


def _told_at(job: Job) -> datetime | None:
    return job.progress_at + timedelta(seconds=PROGRESS_EVERY_S) if job.progress_at else None


def _cancel(work: Working, command: CancelJob) -> Answer:
    job = work.job_of(command.job, command.tenant)
    if job is None:
        return Rejection(Problem.UNKNOWN_JOB, faults=(Fault("/job", "no job has this id"),))
    return _decided(work, job, decide_cancel(job, work.now), command)


def _retry(work: Working, command: RetryJob) -> Answer:
    job = work.job_of(command.job, command.tenant)
    if job is None:
        return Rejection(Problem.UNKNOWN_JOB, faults=(Fault("/job", "no job has this id"),))
    if command.removed:
        return Rejection(Problem.REMOVED, {"name": job.ref})
    failed = sorted(work.failed_items(job)) if command.body.scope == FAILED_ITEMS else []
    memory = work.memories.get((job.tenant, job.dedupe)) if job.dedupe else None
    decision = decide_retry(job, command.body, failed, memory, work.now)
    if isinstance(decision, Rejection) and memory and (newer := work.jobs.get(memory.job)):
        decision = msgspec.structs.replace(decision, args={**decision.args, "newer": newer.ref})
    return _decided(work, job, decision, command)


def _decided(work: Working, job: Job, decision: object, command: Command) -> Answer:
    """202 where something was set going, 200 where it was done already."""
    if isinstance(decision, Rejection):
        return decision
    if not isinstance(decision, list) or not decision:
        return _outcome(work, status=200, job=job)
    return _outcome(work, status=202, job=work.record(job, job.id, job.tenant, decision, command.cause))


def _time(work: Working, command: TimeCame) -> Answer:
    job = work.job_of(command.job, command.tenant)
    if job is None:
        return Rejection(Problem.NOT_FOUND)
    lease = work.leases.get(job.id)
    events = decide_time(job, lease, work.now)
    after = work.record(job, job.id, job.tenant, events, command.cause) or job
    if lease and lease.pending and work.leases.get(job.id) is not None and after.progress_at == work.now:
        told = msgspec.structs.replace(lease, pending=None, pending_at=None)
        work.set_lease(after, told)
    return _outcome(work, job=after)


def _estimate(work: Working, command: StateEstimate) -> Answer:
    """Several processes may have a screen of the job: the first one's word counts, for as long as it is new."""
    job = work.job_of(command.job, command.tenant)
    if job is None:
        return Rejection(Problem.NOT_FOUND)
    return _outcome(work, job=work.state(job, decide_estimate(job, command.said, work.now), command.cause))


def _define(work: Working, command: DefineType) -> Answer:
    definition = msgspec.convert(msgspec.to_builtins(command.definition), Definition)
    known = work.types.get((command.tenant, command.name))
    if known is None or known[1] != definition:
        event = JobTypeDefined(name=command.name, definition=definition)
        work.record_type(command.tenant, event, known[0] if known else 0, command.cause)
    return _outcome(work, status=200 if known else 201, definition=definition)


def _read(work: Working, command: RecordRead) -> Answer:
    work.record_of_tenant(command.tenant, command.event, command.cause)
    return _outcome(work)


def _erase(work: Working, command: ErasePerson) -> Answer:
    """Open jobs of the person end first, at once: what they work on can't be read any more."""
    mine = [job for job in work.jobs.values() if (job.tenant, job.owner) == (command.tenant, command.owner)]
    open_ = [job for job in mine if job.definition.private and job.phase in ACTIVE]
    if not command.known and not open_ and not command.files:
        return _outcome(work)
    for job in open_:
        work.record(job, job.id, job.tenant, decide_stop(job), command.cause)
    event = PersonErased(owner=command.owner, jobs_canceled=len(open_), files=len(command.files))
    work.record_of_tenant(command.tenant, event, command.cause)
    work.erased.append((command.tenant, command.owner, command.files))
    return _outcome(work, erased=event, files=command.files)


OBEY: dict[type[Command], Callable[..., Answer]] = {
    SubmitJob: _submit,
    ClaimJobs: _claim,
    ReportWork: _report,
    CancelJob: _cancel,
    RetryJob: _retry,
    TimeCame: _time,
    StateEstimate: _estimate,
    DefineType: _define,
    RecordRead: _read,
    ErasePerson: _erase,
}
