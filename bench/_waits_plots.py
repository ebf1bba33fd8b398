"""The pictures of docs/waits.md: `python -m bench._waits_plots`. Synthetic trace, seed 5: 5 times slower at 35 %."""

import math
from collections.abc import Iterable
from pathlib import Path

from bench import _synthetic
from projections.waits.evaluate import Said, replay
from projections.waits.promise import Stated
from projections.waits.replay import Row

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
SLOW_AT, DAYS = 0.35, 12
WIDTH, HEIGHT, LEFT, BOTTOM = 720, 300, 70, 40
INK, GOOD, BAD, AREA = "#555", "#2a7f62", "#c2410c", "#8ecae6"
TICKS = ((10, "10 s"), (60, "1 min"), (600, "10 min"), (3600, "1 h"))
WINDOW = 200

Point = tuple[float, float]


def main() -> None:
    rows = _synthetic.trace(5, days=DAYS, slow=5.0, slow_at=SLOW_AT)
    said = replay(rows)
    (PICTURES / "waits-ranges.svg").write_text(ranges(rows, said))
    (PICTURES / "waits-coverage.svg").write_text(coverage(rows, said))


def ranges(rows: list[Row], said: list[Said]) -> str:
    """120 AI images around the moment at which they became five times slower: what was stated, and what came."""
    turn = SLOW_AT * DAYS * _synthetic.DAY
    images = [
        (row.submitted, row.worked, each.work)
        for row, each in zip(rows, said, strict=True)
        if row.type == "ai.image" and row.worked and each.work and each.work.low
    ]
    first = max(0, sum(at < turn for at, _, _ in images) - 40)
    marks = []
    for n, (at, worked, stated) in enumerate(images[first : first + 120]):
        x = LEFT + 8 + n * (WIDTH - LEFT - 16) / 120
        low, high = _height(stated.low or 1), _height(stated.high)
        marks.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{AREA}" stroke-width="4"/>')
        held = (stated.low or 0) <= worked <= stated.high
        marks.append(f'<circle cx="{x:.1f}" cy="{_height(worked):.1f}" r="2.2" fill="{GOOD if held else BAD}"/>')
        if at < turn <= images[min(first + n + 1, len(images) - 1)][0]:
            marks.append(_turn(x + 3))
    return _picture("Stated range (bar) and what came (dot) of 120 jobs of one type", _ticks(), marks)


def coverage(rows: list[Row], said: list[Said]) -> str:
    """The share of the last 200 two-sided ranges that held, for work and queue, through the slow-down."""
    marks = [_turn(LEFT + SLOW_AT * (WIDTH - LEFT)), _target()]
    parts = (
        ("work", GOOD, [(row.submitted, row.worked, each.work) for row, each in zip(rows, said, strict=True)]),
        ("queue", BAD, [(row.submitted, row.waited, each.queue) for row, each in zip(rows, said, strict=True)]),
    )
    for place, (name, colour, answers) in enumerate(parts):
        marks.append(f'<path d="{_line(_shares(answers))}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        marks.append(f'<text x="{WIDTH - 60}" y="{HEIGHT - 60 - 16 * place}" fill="{colour}">{name}</text>')
    labels = [(_share_height(share), f"{share:.0%}") for share in (0.5, 0.65, 0.8, 0.9, 1.0)]
    return _picture("Share of the last 200 ranges that held, over 12 days", labels, marks)


def _shares(answers: Iterable[tuple[float, float | None, Stated | None]]) -> list[Point]:
    held: list[bool] = []
    found: list[Point] = []
    for at, came, stated in answers:
        if came is not None and stated and stated.low is not None:
            held.append(stated.low <= came <= stated.high)
            if len(held) >= WINDOW and len(held) % 10 == 0:
                found.append((at, sum(held[-WINDOW:]) / WINDOW))
    return found


def _line(points: list[Point]) -> str:
    span = DAYS * _synthetic.DAY
    places = (f"{LEFT + at / span * (WIDTH - LEFT):.1f} {_share_height(share):.1f}" for at, share in points)
    return "M" + "L".join(places)


def _height(seconds: float) -> float:
    low, high = math.log(8), math.log(7200)
    return HEIGHT - BOTTOM - (math.log(max(seconds, 8)) - low) / (high - low) * (HEIGHT - BOTTOM - 30)


def _share_height(share: float) -> float:
    return HEIGHT - BOTTOM - (share - 0.4) / 0.6 * (HEIGHT - BOTTOM - 30)


def _ticks() -> list[tuple[float, str]]:
    return [(_height(seconds), label) for seconds, label in TICKS]


def _turn(x: float) -> str:
    return f'<path d="M{x:.1f} 30V{HEIGHT - BOTTOM}" stroke="{INK}" stroke-dasharray="4 4"/>'


def _target() -> str:
    return f'<path d="M{LEFT} {_share_height(0.8):.1f}H{WIDTH}" stroke="{INK}" stroke-dasharray="2 4"/>'


def _picture(title: str, labels: list[tuple[float, str]], marks: list[str]) -> str:
    axis = "".join(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>' for y, label in labels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
        f'font-family="sans-serif" font-size="12" fill="{INK}"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="{LEFT}" y="18" font-size="14">{title}</text>{axis}{"".join(marks)}'
        f'<text x="{LEFT}" y="{HEIGHT - 12}">dashed, upright: the AI model becomes five times slower</text></svg>\n'
    )


if __name__ == "__main__":
    main()
