"""The call that gives a person's browser a pass."""

from starlette.responses import Response

from schemas.problems import Problem
from schemas.requests import PassFor
from services.api.calls import Asked, Call, answer
from services.front.passes import TTL_S, Pass


async def create_pass(asked: Asked) -> Response:
    """A pass for one person's browser. Ask for it on your own server, after you know who it is."""
    body = await asked.body(PassFor)
    given = asked.parts.passes.give(asked.tenant, body.owner, TTL_S if body.ttl_s is None else body.ttl_s)
    return answer(given, headers={"Cache-Control": "no-store"})


CALLS = (
    Call(
        method="POST",
        path="/v1/passes",
        handler=create_pass,
        scopes=("submit",),
        summary="A short-lived pass with which a browser may use one owner's jobs",
        body=PassFor,
        answers={200: Pass},
        refuses=(Problem.TOO_LARGE, Problem.INVALID),
    ),
)
