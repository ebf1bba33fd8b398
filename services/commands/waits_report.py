"""`tidings waits report`: how the waits held that were stated to people, as the service counts them."""

from pathlib import Path

import msgspec
from rich.table import Table

from services.api.waits import CalibrationReport
from services.commands.client import api
from services.commands.jobs import ok
from services.commands.words import console

_WHAT = {
    "queue": "before the start",
    "work": "the work",
    "total": "in all",
    "work_at_start": "the work, at its start",
    "queue_shown": "before the start, as last shown",
    "work_shown": "the work, as last shown",
}


async def report(data: Path | None, *, as_json: bool) -> int:
    async with api(data) as client:
        answer = await client.get("/v1/waits/calibration")
    if not ok(answer, as_json=as_json):
        return 1
    if not as_json:
        _show(msgspec.json.decode(answer.content, type=CalibrationReport))
    return 0


def _show(found: CalibrationReport) -> None:
    if not found.types:
        console().print("Nothing was stated yet: waits are said once enough jobs of a type have ended.")
        return
    table = Table(caption="A range is meant to hold for 8 of 10 jobs, a bound for 9 of 10.", pad_edge=False)
    names = ("type", "what", "jobs", "range", "bound", "none", "held", "below", "above")
    for name in (*names, "bound held", "high ÷ low", "worst 200"):
        table.add_column(name, justify="left" if name in {"type", "what"} else "right")
    for kind in found.types:
        for part in kind.parts:
            table.add_row(
                kind.type,
                _WHAT.get(part.what, part.what),
                f"{part.answers:,}",
                *map(_percent, (part.ranges, part.bounds, part.none, part.held, part.below, part.above)),
                _percent(part.bounds_held),
                "–" if part.width is None else f"{part.width:.1f}",
                _percent(part.worst_stretch),
            )
    console().print(table)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
