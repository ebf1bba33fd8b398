"""What a part of the bench measured: shown as it comes, and kept for whoever runs the parts (`python -m bench`)."""

import json
import os
from pathlib import Path

QUICK = bool(os.environ.get("BENCH_QUICK"))


def scaled(whole: int, quick: int) -> int:
    """The size of a measurement, and its size in a quick run."""
    return quick if QUICK else whole


def said(name: str, value: float, unit: str, note: str = "") -> None:
    """One figure. `unit` ends in `s` after a slash where more is better, else less is."""
    print(f"{name:<46} {value:>12,.{2 if value < 100 else 0}f} {unit:<9} {note}".rstrip(), flush=True)
    if place := os.environ.get("BENCH_ROWS"):
        with Path(place).open("a") as file:
            file.write(json.dumps({"name": name, "value": value, "unit": unit, "note": note}) + "\n")
