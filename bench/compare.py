"""Whether a change made something slower than the noise: `python -m bench.compare BEFORE.json AFTER.json`.

A row is slower when its medians differ by more than 5 %, and every round after is worse than every round before (with
one round each: by more than 25 %). Exit code 1 where one is, 2 where nothing can be compared.
"""

import sys
from pathlib import Path

from msgspec import Struct

from bench._results import Results, Row, load

LEAST = 0.05  # of a median: less is no difference worth a word
LEAST_SINGLE = 0.25  # where no round tells the noise


class Change(Struct, frozen=True):
    """`worse`: the share by which it got worse; below zero it got better. `sure`: beyond the noise."""

    name: str
    before: float
    after: float
    worse: float
    sure: bool


def compare(before: Results, after: Results) -> list[Change]:
    """Every row that both have, the worst first."""
    both = [name for name in after.rows if name in before.rows]
    changes = [_change(name, before.rows[name], after.rows[name]) for name in both]
    return sorted(changes, key=lambda change: -change.worse)


def _change(name: str, before: Row, after: Row) -> Change:
    sign = -1 if before.more_is_better else 1
    worse = sign * (after.median - before.median) / abs(before.median) if before.median else 0.0
    old, new = [sign * value for value in before.values], [sign * value for value in after.values]
    apart = min(new) > max(old) if worse > 0 else max(new) < min(old)
    least = LEAST if min(len(old), len(new)) > 1 else LEAST_SINGLE
    return Change(name, before.median, after.median, worse, apart and abs(worse) > least)


def main(paths: list[str]) -> int:
    if len(paths) != 2:
        print(__doc__)
        return 2
    changes = compare(*(load(Path(path)) for path in paths))
    if not changes:
        print("The two have no row in common.")
        return 2
    for change in changes:
        word = "same" if not change.sure else "SLOWER" if change.worse > 0 else "better"
        print(f"{word:<7} {-change.worse:>+7.1%}  {change.before:>12,.2f} → {change.after:>12,.2f}  {change.name}")
    return 1 if any(change.sure and change.worse > 0 for change in changes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
