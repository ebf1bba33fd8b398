"""What operators look at first: what waits, for how long, who works, and what was spared."""

from importlib.resources import files

from msgspec import Struct
from starlette.responses import Response

from services.api.calls import Asked, Call, answer
from services.api.reading import FRESH

RECENT_S = 300

_OVERVIEW = files("services.api").joinpath("overview.sql").read_text()
_WORKERS = """select worker, count(*) as jobs from leases where partition = $1 and tenant = $2
    group by worker order by worker limit 200"""


class TypeNow(Struct, frozen=True, kw_only=True):
    """One job type now; `finished` in the last five minutes, `repeats` are all duplicates that were prevented."""

    type: str
    waiting: int
    later: int
    oldest_s: float | None
    running: int
    finished: int
    repeats: int


class WorkerNow(Struct, frozen=True):
    worker: str
    jobs: int


class Overview(Struct, frozen=True):
    types: list[TypeNow]
    workers: list[WorkerNow]
    recent_s: int


async def overview(asked: Asked) -> Response:
    """All kinds of job that have anything to tell, and the workers that hold one now."""
    async with asked.parts.pool.acquire() as conn:
        kinds = await conn.fetch(_OVERVIEW, asked.partition, asked.tenant, RECENT_S)
        workers = await conn.fetch(_WORKERS, asked.partition, asked.tenant)
    found = [TypeNow(**dict(row)) for row in kinds]
    return answer(Overview(found, [WorkerNow(**dict(row)) for row in workers], RECENT_S), headers=FRESH)


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
