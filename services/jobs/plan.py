"""The retry plan's hash: over all that decides what a retry would do, so nobody confirms what does not run."""

from collections.abc import Sequence
from hashlib import sha256

from schemas.events import Json
from schemas.job import Job
from services.jobs.dedupe import canonical


def plan_digest(job: Job, scope: str, item_ids: Sequence[str], input_: Json) -> str:
    """Hex, 32 digits. Changes with the run, the scope, the failed items, what is kept, the rules and the new input."""
    rule = job.definition.retry
    return sha256(
        canonical(
            {
                "job": job.id,
                "run": job.run + 1,
                "scope": scope,
                "items": sorted(item_ids),
                "keeps": job.ledger.ready if job.ledger else 0,
                "safety": rule.safety,
                "mode": rule.mode,
                "input": input_,
            }
        )
    ).hexdigest()[:32]
