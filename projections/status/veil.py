"""A job without its private fields: for readers without the key, and for everybody once the key was destroyed."""

from msgspec.structs import replace

from schemas.job import Job, Problem
from schemas.private import REMOVED, Marked, marked


def veiled(job: Job) -> Job:
    """What a status in NATS or a reader of the database alone is shown: the type's own words in their place."""
    marks = marked(job.definition.private)
    result = replace(job.result, name=None, inline=None) if marks.result and job.result else job.result
    title = None if marks.title else job.title
    return replace(job, title=title, problem=_unsaid(job.problem, marks), result=result)


def removed(job: Job) -> Job:
    """The same for ever, and it says so."""
    marks = marked(job.definition.private)
    shown = veiled(job)
    return replace(shown, veil=REMOVED, result=None if marks.result else shown.result)


def _unsaid(problem: Problem | None, marks: Marked) -> Problem | None:
    return replace(problem, text=None, reason=None, next=None) if problem and marks.problem else problem
