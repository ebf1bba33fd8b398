"""The bench's pictures: throughput and latency over load, and over the size of the log. Plain SVG, no library."""

import math
from collections.abc import Sequence
from pathlib import Path

from bench._results import Results

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 300, 70, 70, 40, 40
RATE, TIME, INK = "#2a7f62", "#c2410c", "#555"

Point = tuple[float, float]


def write(results: Results, folder: Path) -> list[Path]:
    """Those pictures that the run has figures for."""
    folder.mkdir(exist_ok=True)
    written = []
    for name, begins, title, axis in (
        ("over-load.svg", "over load", "Submits over load, one job each", "connections"),
        ("over-log.svg", "over log", "Submits over the size of the log", "events in the log"),
    ):
        rates, times = _points(results, begins, "/s"), _points(results, begins, "ms")
        if rates:
            (folder / name).write_text(_picture(title, axis, rates, times))
            written.append(folder / name)
    return written


def _points(results: Results, begins: str, unit: str) -> list[Point]:
    """Rows named `<begins>: … at <number> …`."""
    found = [
        (float(name.rpartition(" at ")[2].split()[0].replace(",", "")), row.median)
        for name, row in results.rows.items()
        if name.startswith(f"{begins}:") and row.unit == unit
    ]
    return sorted(found)


def _picture(title: str, axis: str, rates: Sequence[Point], times: Sequence[Point]) -> str:
    xs = [x for x, _ in [*rates, *times]]
    marks = [
        *_curve(rates, xs, RATE, LEFT - 8, "end", "/s"),
        *_curve(times, xs, TIME, WIDTH - RIGHT + 8, "start", " ms"),
        *(
            f'<text x="{_x(x, xs):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:,.0f}</text>'
            for x in dict.fromkeys(xs)
        ),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{LEFT}" y="20" font-size="14">{title}</text>'
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">{axis}</text>'
        f'<text x="{LEFT}" y="36" fill="{RATE}">a second</text>'
        f'<text x="{WIDTH - RIGHT}" y="36" fill="{TIME}" text-anchor="end">p99, ms</text>{"".join(marks)}</svg>\n'
    )


def _curve(points: Sequence[Point], xs: Sequence[float], colour: str, at: float, anchor: str, unit: str) -> list[str]:
    if not points:
        return []
    top = max(y for _, y in points) * 1.1 or 1.0
    places = [(_x(x, xs), HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)) for x, y in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    labels = "".join(
        f'<text x="{at}" y="{y + 4:.1f}" text-anchor="{anchor}" fill="{colour}">{value:,.0f}{unit}</text>'
        for (_, y), (_, value) in zip(places, points, strict=True)
        if value in {min(v for _, v in points), max(v for _, v in points)}
    )
    return [f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>', dots, labels]


def _x(x: float, xs: Sequence[float]) -> float:
    """Logarithmic: load and size grow by factors."""
    low, high = math.log(max(min(xs), 1)), math.log(max(*xs, 2))
    share = (math.log(max(x, 1)) - low) / (high - low) if high > low else 0.5
    return LEFT + 20 + share * (WIDTH - LEFT - RIGHT - 40)
