"""The end of what is private to a person: their open jobs, their key, then their files. Again changes nothing."""

from msgspec import Struct

from eventstore.postgres import Pool
from schemas.commands import ErasePerson, Outcome
from schemas.envelope import Cause
from schemas.problems import Rejection
from services.files import Files
from services.jobs.service import JobService
from services.private.sweep import sweep


class Erased(Struct, frozen=True):
    """`erased` is false where there was nothing to erase. `jobs_canceled`: open ones, that were ended first."""

    owner: str
    erased: bool
    jobs_canceled: int = 0
    files_removed: int = 0


async def erase(
    jobs: JobService, pool: Pool, files: Files | None, tenant: str, owner: str, cause: Cause
) -> tuple[Erased, Outcome]:
    """Raises Unavailable. Files are removed last: without the key they can't be read by then, and what remains of them
    after a crash, or where `files` is not known here, is swept up by the orchestrator."""
    outcome = await jobs.do(ErasePerson(tenant=tenant, cause=cause, owner=owner))
    if isinstance(outcome, Rejection):
        raise TypeError(f"an erasure is never refused: {outcome.problem.code}")
    if files:
        await sweep(pool, files)
    event = outcome.erased
    if event is None:
        return Erased(owner, erased=False), outcome
    return Erased(owner, erased=True, jobs_canceled=event.jobs_canceled, files_removed=len(outcome.files)), outcome
