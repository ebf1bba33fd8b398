"""How well the stated waits hold: two recorded traces and synthetic ones, next to two plain baselines.

Shares are of the answers as shown, rounded. `score` is the mean interval score (α = 0.2, log seconds; lower is better),
next to `recent` (P10 to P90 of the last 50 of the type) and `mean` (their mean ± 50 %) on the same jobs.
"""

import time
from pathlib import Path

from bench import _synthetic
from projections.waits.evaluate import Part, replay, table
from projections.waits.replay import Row, read_trace
from services.commands.waits import cells

TRACES = Path(__file__).parent / "traces"
HEADS = (
    *("what", "type", "jobs", "range", "bound", "none", "held", "below", "above", "bnd held", "high/low"),
    *("worst200", "decile", "dec err", "score", "recent", "mean", "recent h", "mean h"),
)


def traces() -> dict[str, list[Row]]:
    """Recorded ones, then seeds of the generator, slower and sooner in the last two."""
    found = {path.name.partition(".")[0]: read_trace(path) for path in sorted(TRACES.glob("*.csv.gz"))}
    found |= {f"synthetic, seed {seed}": _synthetic.trace(seed) for seed in (1, 2, 3)}
    found["synthetic, seed 5, 5 times slower at 35 %"] = _synthetic.trace(5, slow=5.0, slow_at=0.35)
    found["synthetic, seed 6, twice slower at 70 %"] = _synthetic.trace(6, slow=2.0, slow_at=0.7)
    return found


def shown(parts: list[Part]) -> str:
    rows = [HEADS, *(cells(part) for part in parts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def main() -> None:
    for name, rows in traces().items():
        began = time.perf_counter()
        said = replay(rows)
        took = time.perf_counter() - began
        print(f"{name}: {len(rows):,} jobs in {took:.1f} s ({took / len(rows) * 1e6:.0f} µs each)")
        print(shown(table(rows, said)), end="\n\n")


if __name__ == "__main__":
    main()
