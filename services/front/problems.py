"""Refusals as RFC 9457 problems: the one place that makes the body of a `Rejection`."""

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from schemas.events import Json
from schemas.messages import problem_words
from schemas.problems import Fault, Problem, Rejection

TYPES = "https://tidings.dev/problems/"
MEDIA_TYPE = "application/problem+json"


class Refused(Exception):
    """A refusal on its way out of a call; nothing was changed."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.problem.code)
        self.rejection = rejection


def refused(problem: Problem, **args: Json) -> Refused:
    return Refused(Rejection(problem, args))


def not_found(name: str) -> Refused:
    return refused(Problem.NOT_FOUND, name=name[:200])


class ProblemBody(Struct, frozen=True):
    """A refusal as callers get it (RFC 9457). `plan`, `job`: what a refused retry should look at."""

    type: str
    title: str
    status: int
    detail: str
    next: str
    errors: list[Fault]
    plan: Json | UnsetType = UNSET
    job: str | UnsetType = UNSET


def problem_body(rejection: Rejection, language: str) -> ProblemBody:
    problem = rejection.problem
    words = problem_words(language, problem, rejection.args)
    job = rejection.extra.get("job", UNSET)
    return ProblemBody(
        type=TYPES + problem.code,
        title=words.title,
        status=problem.status,
        detail=words.detail,
        next=words.next,
        errors=list(rejection.faults),
        plan=rejection.extra.get("plan", UNSET),
        job=UNSET if job is UNSET else str(job),
    )


def prefixed(rejection: Rejection, at: str) -> Rejection:
    """A batch item's refusal, its pointers from the whole body's root; those that are there already stay."""
    faults = tuple(
        fault if fault.pointer.startswith(at) else Fault(at + fault.pointer, fault.detail) for fault in rejection.faults
    )
    return replace(rejection, faults=faults)
