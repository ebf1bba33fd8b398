"""The customer file: how the sample is made, when a row is good, and how corrections are read. Pure."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

COLUMNS = ("name", "email", "company", "country", "start_date", "plan")
PLANS = ("basic", "team", "business")
ROWS = 4_200
BAD = {
    17: ("start_date", "2024-13-45"),
    388: ("email", ""),
    1204: ("email", "kaya.demir(at)juniper.example"),
    3999: ("plan", "platinum"),
}  # the file's own line numbers: the header is line 1

_FIRST = ("Marta", "Tomasz", "Ines", "Jonas", "Priya", "Kaya", "Hanna", "Gil", "Mei", "Sofia", "Ailsa", "Nia", "Greta")
_LAST = ("Lund", "Wolski", "Prado", "Brandt", "Nair", "Demir", "Sorsa", "Navarro", "Tanaka", "Conti", "Rowan")
_COMPANY = (
    "Harbor Freight",
    "Linden Dental",
    "Quarry Books",
    "Sunfield Solar",
    "Copper Kettle",
    "Petrel Surf",
    "Oakline",
)
_COUNTRY = ("DE", "DK", "ES", "FI", "IT", "PL", "PT")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

Row = dict[str, str]


class Wrong(msgspec.Struct, frozen=True):
    """Why a row can't be taken: which column, the short reason, and what stands there."""

    column: str
    reason: str
    value: str


class Table(msgspec.Struct, frozen=True):
    """A CSV file as its rows, each with its line number."""

    columns: tuple[str, ...]
    rows: dict[int, Row]


def sample_csv(*, with_mistakes: bool = True) -> str:
    """The same 4,200 customers on every machine, four of them with a mistake."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number in range(ROWS):
        row = _customer(number)
        if with_mistakes and number + 2 in BAD:
            column, value = BAD[number + 2]
            row[column] = value
        writer.writerow([row[column] for column in COLUMNS])
    return out.getvalue()


def _customer(number: int) -> Row:
    first, last = _FIRST[number % len(_FIRST)], _LAST[number * 3 % len(_LAST)]
    started = date.fromordinal(date(2023, 1, 1).toordinal() + number % 900)
    return {
        "name": f"{first} {last}",
        "email": f"{first}.{last}.{number + 1}@example.com".lower(),
        "company": _COMPANY[number % len(_COMPANY)],
        "country": _COUNTRY[number * 5 % len(_COUNTRY)],
        "start_date": started.isoformat(),
        "plan": PLANS[number % len(PLANS)],
    }


def check(row: Mapping[str, str]) -> Wrong | None:
    """The first thing wrong with a row, in words a person can act on."""
    for column in COLUMNS:
        if not row.get(column, "").strip():
            return Wrong(column, "is missing", "")
    if not _EMAIL.fullmatch(row["email"].strip()):
        return Wrong("email", "is not an email address", row["email"])
    if _date(row["start_date"]) is None:
        return Wrong("start_date", "is not a date", row["start_date"])
    if row["plan"].strip() not in PLANS:
        return Wrong("plan", f"must be {', '.join(PLANS[:-1])} or {PLANS[-1]}", row["plan"])
    return None


def record(row: Mapping[str, str]) -> tuple[str, str, str, str, date, str]:
    """A good row as the table stores it."""
    clean = {column: row[column].strip() for column in COLUMNS}
    started = date.fromisoformat(clean["start_date"])
    return (clean["name"], clean["email"], clean["company"], clean["country"], started, clean["plan"])


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def read_table(lines: Iterable[str]) -> Table:
    """A file's rows by line number; a quoted cell may run over several lines, and counts where it begins."""
    reader = csv.reader(lines)
    columns = tuple(cell.strip().lower() for cell in next(reader, ()))
    rows: dict[int, Row] = {}
    begins = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows[begins] = dict(zip(columns, [*cells, *[""] * len(columns)], strict=False))
        begins = reader.line_num + 1
    return Table(columns, rows)


def corrections(table: Table) -> dict[int, Row]:
    """What a corrected file changes, by line of the first file. Three forms are understood.

    The downloaded problem rows with `value` mended (row, column, value); whole rows with a `row` column that says
    which they are; or the first file again, mended in its place.
    """
    mended: dict[int, Row] = {}
    for line, row in table.rows.items():
        number = int(row.get("row", "")) if row.get("row", "").isdigit() else line
        if "value" in table.columns and "column" in table.columns:
            mended.setdefault(number, {})[row["column"]] = _plain(row["value"])
        else:
            mended[number] = {column: row[column] for column in COLUMNS if column in row}
    return mended


def inline_corrections(rows: Iterable[Mapping[str, object]]) -> dict[int, Row]:
    """The same from a retry's input: [{"row": 17, "column": "start_date", "value": "…"}] or whole rows."""
    plain = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
    mended: dict[int, Row] = {}
    for row in plain:
        one = Table(tuple(row), {0: row})
        for number, cells in corrections(one).items():
            mended.setdefault(number, {}).update(cells)
    return mended


def _plain(value: str) -> str:
    """A cell of the problem file; a text may stand there as JSON, in quotes."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return str(json.loads(value))
    return value


if __name__ == "__main__":
    sys.stdout.write(sample_csv())
