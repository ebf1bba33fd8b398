"""How the stated waits held, for operators and auditors: counted as the truth came, never scanned for."""

from msgspec import Struct
from starlette.responses import Response

from projections.waits.calibration import TypeReport, report
from services.api.answers import FRESH
from services.api.calls import Asked, Call, answer


class CalibrationReport(Struct, frozen=True):
    """By job type; a range is meant to hold for 8 of 10 jobs, a bound for 9 of 10."""

    types: list[TypeReport]


async def calibration(asked: Asked) -> Response:
    """Of each job type: how often what was stated held, the misses on each side, and how wide the ranges were."""
    async with asked.parts.pool.acquire() as conn:
        return answer(CalibrationReport(await report(conn, asked.partition, asked.tenant)), headers=FRESH)


CALLS = (
    Call(
        method="GET",
        path="/v1/waits/calibration",
        handler=calibration,
        scopes=("read",),
        summary="How well the stated waits held, by job type",
        answers={200: CalibrationReport},
    ),
)
