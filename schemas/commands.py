"""What may be asked of the service, ready to be decided: a caller's body plus who, for which tenant, and its keys.

The same commands come from HTTP, NATS and the timers. `Outcome` is what the handler answers; a refusal is a value too.
"""

from datetime import datetime

from msgspec import Struct

from schemas import requests
from schemas.envelope import Cause
from schemas.events import AuditRead, EstimateStated, Json, PersonErased, StoredResult
from schemas.job import Job
from schemas.jobtypes import JobType


class IdempotencyKey(Struct, frozen=True):
    """Bound to tenant and call; `body` is the digest of the first body. `also`: a second key of the same command."""

    call: str  # "POST /v1/jobs", "nats submit"
    key: str
    body: bytes
    also: "IdempotencyKey | None" = None


class Command(Struct, frozen=True, kw_only=True):
    tenant: str
    cause: Cause
    key: IdempotencyKey | None = None

    @property
    def keys(self) -> tuple[IdempotencyKey, ...]:
        """Any of them met again means that the command was carried out."""
        return tuple(key for key in (self.key, self.key and self.key.also) if key)


class SubmitJob(Command, frozen=True, kw_only=True):
    """`job` is the id it gets if it starts one. `uploads`: SHA-256 by upload id, for each upload named in the body."""

    job: str
    body: requests.Submit
    uploads: dict[str, str] = {}
    hidden: bool = False  # the body's private fields are encrypted, and `digest` was made before
    digest: str | None = None


class ClaimJobs(Command, frozen=True, kw_only=True):
    """Take up to `max` ready jobs of these types: of its own tenant, or of all `tenants`, which lie in one partition.

    `everyone`: its worker serves every tenant; whoever carries it out names those that have something ready.
    """

    types: tuple[str, ...]
    worker: str
    max: int
    everyone: bool = False
    tenants: tuple[str, ...] = ()

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Each (tenant, type) that it may take from."""
        return [(tenant, name) for tenant in self.tenants or (self.tenant,) for name in dict.fromkeys(self.types)]


class StateEstimate(Command, frozen=True, kw_only=True):
    """Put on record what somebody who watches the job is shown of its wait."""

    job: str
    said: EstimateStated


class ReportWork(Command, frozen=True, kw_only=True):
    """A worker's word on its attempt. `result`: the finish's result, already found in its place."""

    job: str
    run: int
    attempt: int
    body: requests.Body
    result: StoredResult | None = None


class CancelJob(Command, frozen=True, kw_only=True):
    job: str


class RetryJob(Command, frozen=True, kw_only=True):
    """`removed`: what the job worked on is under a key that was destroyed."""

    job: str
    body: requests.Retry
    removed: bool = False
    uploads: dict[str, str] = {}


class DefineType(Command, frozen=True, kw_only=True):
    name: str
    definition: JobType


class RecordRead(Command, frozen=True, kw_only=True):
    """An auditor is about to read. The outcome's position is the event's own, so it names the read."""

    event: AuditRead


class ErasePerson(Command, frozen=True, kw_only=True):
    """Destroy a person's key. The handler adds what it found under the lock: open jobs, and files nobody else uses."""

    owner: str
    known: bool = False  # there is a key to destroy
    jobs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class TimeCame(Command, frozen=True, kw_only=True):
    """Time alone may have changed this job: a pause is over, a lease ran out, a deadline passed."""

    job: str


class Assignment(Struct, frozen=True, kw_only=True):
    """One claimed attempt, as the worker gets it (the API adds the lease token).

    `asked`: the bytes that `input` and `settings` are of, where the claim read them: (request, a retry's own input).
    """

    job: Job
    expires_at: datetime
    input: Json
    settings: Json
    items: tuple[dict[str, Json], ...]
    traceparent: str | None
    asked: tuple[bytes, bytes | None] | None = None


class Met(Struct, frozen=True, kw_only=True):
    """What a repeated request met."""

    job: Job
    first_at: datetime
    same: tuple[str, ...]


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a command. `position`: of the partition, at or after the command's last event."""

    partition: int
    position: int
    at: datetime  # the database's clock at the decision
    status: int = 200  # of HTTP: 201 new, 202 accepted, 200 nothing new
    job: Job | None = None
    met: Met | None = None
    replayed: bool = False
    cancel_requested: bool = False
    assignments: tuple[Assignment, ...] = ()
    definition: JobType | None = None
    erased: PersonErased | None = None
    files: tuple[str, ...] = ()  # of an erased person, that may be removed now
