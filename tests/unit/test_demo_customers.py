"""The demo's import: what is wrong with a row, and how corrections reach it."""

import pytest

from services.demo.customers import (
    BAD,
    COLUMNS,
    ROWS,
    check,
    corrections,
    inline_corrections,
    read_table,
    record,
    sample_csv,
)

GOOD = {"name": "Nia Prado", "email": "nia@petrel.example", "company": "Petrel", "country": "PT",
        "start_date": "2024-02-29", "plan": "team"}  # fmt: skip


def test_the_sample_has_exactly_the_bad_rows_that_a_person_can_find_by_line() -> None:
    lines = sample_csv().splitlines(keepends=True)
    table = read_table(lines)
    wrong = {line: found.column for line, row in table.rows.items() if (found := check(row))}
    assert (len(table.rows), table.columns) == (ROWS, COLUMNS)
    assert wrong == {line: column for line, (column, _) in BAD.items()}
    assert "2024-13-45" in lines[17 - 1], "a row's number is the line in the person's own file"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("email", " ", "is missing"),
        ("email", "nia(at)petrel.example", "is not an email address"),
        ("start_date", "2023-02-29", "is not a date"),
        ("plan", "platinum", "must be basic, team or business"),
    ],
)
def test_a_bad_row_is_told_by_its_column(column: str, value: str, reason: str) -> None:
    found = check({**GOOD, column: value})
    assert found is not None
    assert (found.column, found.reason) == (column, reason)


def test_a_good_row_is_stored_clean() -> None:
    assert check(GOOD) is None
    assert record({**GOOD, "name": " Nia Prado "})[0] == "Nia Prado"


def test_lines_are_counted_where_a_cell_runs_over_two_and_blank_lines_are_passed_over() -> None:
    table = read_table(["name,email\n", '"Nia\n', 'Prado",a\n', "\n", "Gil,b\n", "Mei\n"])
    assert table.rows == {
        2: {"name": "Nia\nPrado", "email": "a"},
        5: {"name": "Gil", "email": "b"},
        6: {"name": "Mei", "email": ""},
    }


def test_three_forms_of_a_corrected_file_are_understood() -> None:
    cells = read_table(["id,row,column,reason,value\n", "17,17,start_date,is not a date,2024-12-15\n"])
    rows = read_table(["row,email,plan\n", "388,nia@petrel.example,team\n"])
    again = read_table(["name,email\n", "Nia,nia@petrel.example\n"])
    assert corrections(cells) == {17: {"start_date": "2024-12-15"}}
    assert corrections(rows) == {388: {"email": "nia@petrel.example", "plan": "team"}}
    assert corrections(again) == {2: {"name": "Nia", "email": "nia@petrel.example"}}


def test_corrections_may_come_with_the_retry_itself() -> None:
    mended = inline_corrections(
        [
            {"row": 17, "column": "start_date", "value": "2024-12-15"},
            {"row": 17, "column": "plan", "value": "team"},
            {"row": 388, "email": "nia@petrel.example"},
        ]
    )
    assert mended == {17: {"start_date": "2024-12-15", "plan": "team"}, 388: {"email": "nia@petrel.example"}}
