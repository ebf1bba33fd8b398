"""`tidings waits`: how well the stated waits hold, on a recorded trace. Needs no database and no running stack."""

from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from projections.waits.evaluate import Part, Said, replay, table
from projections.waits.promise import Stated
from projections.waits.replay import Row, read_trace


class Bounds(Struct, frozen=True):
    """As in the JobView: `low_s` null is an upper bound only."""

    low_s: float | None
    high_s: float


class Line(Struct, frozen=True):
    """What was stated of one job: at its submission, and of its work again at its start."""

    job: str
    queue: Bounds | None
    work: Bounds | None
    work_at_start: Bounds | None


class Report(Struct, frozen=True):
    trace: str
    jobs: int
    seconds: float
    parts: list[Part]


async def evaluate(trace: Path, predictions: Path | None, slots: int, *, as_json: bool) -> int:
    """Replay the trace, print the table; write what was stated of each job where a file is named."""
    rows = read_trace(trace)
    began = perf_counter()
    said = replay(rows, float(slots))
    seconds = perf_counter() - began
    if predictions:
        _write(predictions, rows, said)
    report = Report(trace.name, len(rows), round(seconds, 3), table(rows, said))
    print(msgspec.json.encode(report).decode()) if as_json else _show(report)
    return 0


def _write(out: Path, rows: list[Row], said: list[Said]) -> None:
    lines = [
        Line(row.job, _bounds(each.queue), _bounds(each.work), _bounds(each.work_at_start))
        for row, each in zip(rows, said, strict=True)
    ]
    out.write_bytes(msgspec.json.Encoder().encode_lines(lines))


def _bounds(stated: Stated | None) -> Bounds | None:
    return Bounds(None if stated.low is None else float(stated.low), float(stated.high)) if stated else None


def _show(report: Report) -> None:
    found = Table(
        title=f"{report.trace}: {report.jobs:,} jobs replayed in {report.seconds:.1f} s",
        caption="Ranges as shown, rounded. Score: mean interval score, α = 0.2, log seconds; lower is better.\n"
        "Recent: P10 to P90 of the last 50 of the type. Mean: mean of these ± 50 %.",
        pad_edge=False,
    )
    names = (
        *("what", "type", "jobs", "range", "bound", "none", "held", "below", "above", "bound held", "high ÷ low"),
        *("worst 200", "lowest decile", "decile error", "score", "recent", "mean", "recent held", "mean held"),
    )
    for name in names:
        found.add_column(name, justify="left" if name in {"what", "type"} else "right")
    for part in report.parts:
        found.add_row(*cells(part))
    Console(width=240, highlight=False).print(found)


def cells(part: Part) -> list[str]:
    """One row of the table."""
    score = part.score
    return [
        part.what,
        part.type or "all",
        f"{score.answers:,}",
        *(_percent(each) for each in (score.ranges, score.bounds, score.none, score.held, score.below, score.above)),
        _percent(score.bounds_held),
        _number(score.width),
        _percent(score.worst_stretch),
        _percent(min(score.deciles, default=None)),
        _percent(score.calibration_error),
        *(_number(each) for each in (score.score, score.score_recent, score.score_mean)),
        *(_percent(each) for each in (score.held_recent, score.held_mean)),
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
