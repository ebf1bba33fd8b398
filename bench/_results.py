"""The figures of a whole run: rows by name, each with its rounds; as JSON in bench/out/, as a page for people."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct, field

from bench._aims import Verdict, judge


class Row(Struct):
    """One figure, once a round."""

    unit: str
    values: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """Half of what lies between the extremes, as a share of the median."""
        return (max(self.values) - min(self.values)) / 2 / abs(self.median) if self.median else 0.0

    @property
    def more_is_better(self) -> bool:
        return "/s" in self.unit


class Results(Struct):
    machine: dict[str, str]
    rounds: int
    quick: bool
    rows: dict[str, Row] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  # of parts that print tables of their own

    def take(self, said: Iterable[bytes]) -> None:
        for line in said:
            one = msgspec.json.decode(line, type=dict[str, str | float])
            row = self.rows.setdefault(str(one["name"]), Row(str(one["unit"])))
            row.values.append(float(one["value"]))
            row.note = str(one["note"])

    @property
    def medians(self) -> Mapping[str, float]:
        return {name: row.median for name, row in self.rows.items()}

    def save(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)))


def load(path: Path) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)


def page(results: Results, commands: Mapping[str, str]) -> str:
    """The page, in Markdown."""
    machine = " · ".join(f"{name} {value}" for name, value in results.machine.items())
    kind = "a quick run" if results.quick else "a whole run"
    parts = [
        "# Measured",
        "",
        "`make bench` writes this page; `python -m bench NAME …` measures parts of it again. All servers, peers and",
        "clients run on one machine, with fsync on: what counts is the ratio between two rows of one run.",
        "",
        f"{kind.capitalize()} of {results.rounds} rounds: medians, ± half of what lies between the extremes. {machine}",
        "",
        *(["**Not measured:** " + "; ".join(results.failures), ""] if results.failures else []),
        "## Aims",
        "| what | measured | its limit | ratio | aim | reached |",
        "|---|---:|---:|---:|---|---|",
        *(_aim_line(verdict, results) for verdict in judge(results.medians)),
        "",
        "![Submits over load](out/over-load.svg) ![Submits over the size of the log](out/over-log.svg)",
        "",
        "## All figures",
        "| what | median | ± | |",
        "|---|---:|---:|---|",
        *(_row_line(name, row) for name, row in results.rows.items()),
        "",
        "## Commands",
        *(f"- `{command}`: {what}" for command, what in commands.items()),
        "",
        *(f"## {name}\n```\n{text.rstrip()}\n```\n" for name, text in results.texts.items()),
    ]  # fmt: skip
    return "\n".join(parts).rstrip("\n") + "\n"


def _row_line(name: str, row: Row) -> str:
    return f"| {name} | {_number(row.median)} {row.unit} | {row.spread:.0%} | {row.note} |"


def _aim_line(verdict: Verdict, results: Results) -> str:
    row = results.rows.get(verdict.row)
    value = "–" if row is None else f"{_number(row.median)} {row.unit}"
    limit = "" if verdict.limit is None else _number(verdict.limit)
    ratio = "" if verdict.ratio is None else f"{verdict.ratio:.2f}"
    reached = {True: "yes", False: "**no**", None: "not measured"}[verdict.reached]
    return f"| {verdict.row} | {value} | {limit} | {ratio} | {verdict.aim} | {reached} |"


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
