"""The call that forgets a person. It can't be undone, so it wants the scope that no key has by default."""

from schemas import requests
from schemas.problems import Problem
from services.api.calls import Asked, Call
from services.front.asked import Reply, position
from services.private.erase import Erased
from services.private.erase import erase as erase_person


async def erase(asked: Asked) -> Reply:
    """Destroy an owner's key: nothing private of theirs can be read any more. Open jobs of theirs end first."""
    body = await asked.body(requests.Erase)
    parts = asked.parts
    erased, outcome = await erase_person(parts.jobs, parts.pool, parts.files, asked.tenant, body.owner, asked.cause())
    return Reply(200, erased, position(outcome))


CALLS = (
    Call(
        method="POST",
        path="/v1/audit/erase",
        handler=erase,
        scopes=("admin",),
        summary="Erase what is private to a person",
        body=requests.Erase,
        answers={200: Erased},
        refuses=(Problem.INVALID, Problem.TOO_LARGE),
        writes=True,
    ),
)
