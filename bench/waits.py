"""How well the stated waits hold: two recorded traces and synthetic ones, next to two plain baselines.

Shares are of the answers as shown, rounded. `score` is the mean interval score (α = 0.2, log seconds; lower is better),
next to `recent` (P10 to P90 of the last 50 of the type) and `mean` (their mean ± 50 %) on the same jobs. `queue_free`:
of the jobs that found a free slot; `queue_line`: of the rest. `…_later` is what a screen shows a minute later, of those
that still wait or work then. The last table holds each trace against each limit.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from bench import _synthetic
from bench._waits_limits import verdicts
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
    found["synthetic, seed 5, 5 × slower at 35 %"] = _synthetic.trace(5, slow=5.0, slow_at=0.35)
    found["synthetic, seed 6, 2 × slower at 70 %"] = _synthetic.trace(6, slow=2.0, slow_at=0.7)
    return found


def shown(parts: list[Part]) -> str:
    return _columns([HEADS, *(cells(part) for part in parts)])


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def main() -> None:
    found: dict[str, list[Part]] = {}
    for name, rows in traces().items():
        began = time.process_time()
        said = replay(rows, later=True)
        spent = time.process_time() - began
        print(f"{name}: {len(rows):,} jobs in {spent:.1f} s of CPU ({spent / len(rows) * 1e6:.0f} µs each)")
        found[name] = table(rows, said, later=True)
        print(shown(found[name]), end="\n\n")
    lines, missed = verdicts({name.replace("synthetic, ", "synthetic "): parts for name, parts in found.items()})
    print("Each limit on each trace, all types together; a dash where nothing was said.")
    print(_columns(lines))
    print(f"{missed} missed.")


if __name__ == "__main__":
    main()
