"""The call of the console's first screen."""

from starlette.responses import Response

from services.api.answers import FRESH
from services.api.calls import Asked, Call, answer
from services.api.looks import Overview


async def overview(asked: Asked) -> Response:
    """All kinds of job that have anything to tell, and the workers that hold one now."""
    return answer(await asked.parts.overviews.now(asked.partition, asked.tenant), headers=FRESH)


CALLS = (
    Call(
        method="GET",
        path="/v1/overview",
        handler=overview,
        scopes=("read",),
        summary="What waits, runs and was spared, by kind of job",
        answers={200: Overview},
    ),
)
