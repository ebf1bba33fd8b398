"""The workers' calls: claim, the eight verbs of a lease, and both batches."""

from collections.abc import Awaitable, Callable

from schemas import requests
from schemas.problems import Problem
from services.api.calls import Asked, Call
from services.front import work
from services.front.asked import Reply
from services.front.work import Assignments, ReportAnswers, Reported


def _reporter(verb: str) -> Callable[[Asked], Awaitable[Reply]]:
    """The call of one verb."""

    async def report(asked: Asked) -> Reply:
        return await work.report(asked, asked.request.path_params["lease"], verb)

    return report


_SUMMARIES = {
    "heartbeat": "A sign of life",
    "stage": "A stage of the work began",
    "progress": "Counted work",
    "problems": "Items that failed, each with its reason",
    "finish": "The work is done and its result is in its place",
    "needs-fix": "A person must fix something first",
    "fail": "The attempt failed",
    "release": "Give the attempt back unharmed",
}
_REFUSES = (Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED, Problem.LEASE_OUTDATED)

CALLS = (
    Call(
        method="POST",
        path="/v1/work/claim",
        handler=work.claim,
        hot=True,
        scopes=("work", "serve"),
        summary="Take ready jobs, waiting for one if there is none",
        body=requests.Claim,
        answers={200: Assignments},
        refuses=(Problem.TOO_LARGE, Problem.INVALID, Problem.KEY_REUSED),
        writes=True,
    ),
    Call(
        method="POST",
        path="/v1/work/report",
        handler=work.report_all,
        hot=True,
        scopes=("work",),
        summary="Many reports in one call",
        body=requests.Reports,
        answers={200: ReportAnswers},
        refuses=(Problem.TOO_LARGE, Problem.INVALID),
        writes=True,
    ),
    Call(
        method="POST",
        path="/v1/work/heartbeat",
        handler=work.heartbeat_all,
        hot=True,
        scopes=("work",),
        summary="A sign of life for many leases",
        body=requests.Heartbeats,
        answers={200: ReportAnswers},
        refuses=(Problem.TOO_LARGE, Problem.INVALID),
        writes=True,
    ),
    *(
        Call(
            method="POST",
            path=f"/v1/work/{{lease}}/{verb}",
            handler=_reporter(verb),
            hot=True,
            scopes=("work",),
            summary=_SUMMARIES[verb],
            body=kind,
            answers={200: Reported},
            refuses=(*_REFUSES, Problem.RESULT_MISSING) if verb == "finish" else _REFUSES,
            writes=True,
        )
        for verb, kind in requests.REPORTS.items()
    ),
)
