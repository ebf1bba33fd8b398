"""What a job type's fields can't say by their kinds alone is said with a pointer."""

import pytest

from schemas.jobtypes import Dedupe, JobType, Noun, Place, Stage, Stall, problems_of, text_in


@pytest.mark.parametrize(
    "good",
    [
        JobType(title="Export"),
        JobType(title={"en": "Export", "de": "Export"}, stages=(Stage("reading"), Stage("writing", "Writing"))),
        JobType(title="Export", dedupe=Dedupe(same=("owner", "input.prompt.text", "settings"), for_="10m")),
        JobType(title="Export", stall=Stall(quiet=5, stuck=5)),
        *(JobType(title="Export", dedupe=Dedupe(for_=rule)) for rule in ("while_active", "forever", "never", "7d")),
    ],
)
def test_a_good_type_has_no_problems(good: JobType) -> None:
    assert problems_of(good) == []


@pytest.mark.parametrize(
    ("kind", "pointers"),
    [
        (JobType(title=" "), ["/title"]),
        (JobType(title={}), ["/title"]),
        (JobType(title={"en": "Export", "de": ""}), ["/title"]),
        (JobType(title="Export", stages=(Stage("a"), Stage("b"), Stage("a"))), ["/stages/2/name"]),
        (JobType(title="Export", stages=(Stage("a", ""),)), ["/stages/0/label"]),
        (JobType(title="Export", result=Place("")), ["/result/place"]),
        (JobType(title="Export", unit=Noun("", "rows"), ready=Noun("row", "")), ["/unit/one", "/ready/other"]),
        (JobType(title="Export", dedupe=Dedupe(for_="10 minutes")), ["/dedupe/for"]),
        (JobType(title="Export", dedupe=Dedupe(for_="0m")), ["/dedupe/for"]),
        (
            JobType(title="Export", dedupe=Dedupe(same=("owner", "title", "input."))),
            ["/dedupe/same/1", "/dedupe/same/2"],
        ),
        (JobType(title="Export", stall=Stall(quiet=5, stuck=4)), ["/stall/stuck"]),
    ],
)
def test_each_mistake_is_named(kind: JobType, pointers: list[str]) -> None:
    assert [pointer for pointer, _ in problems_of(kind)] == pointers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ""),
        ("Rows", "Rows"),
        ({"de": "Zeilen", "en": "Rows"}, "Zeilen"),
        ({"en": "Rows"}, "Rows"),
        ({"fr": "x"}, "x"),
    ],
)
def test_a_text_is_said_in_the_language_that_is_there(text: str | dict[str, str] | None, words: str) -> None:
    assert text_in(text, "de") == words


@pytest.mark.parametrize(
    ("rule", "seconds"), [("1s", 1), ("10m", 600), ("2h", 7200), ("7d", 604_800), ("forever", None)]
)
def test_a_period_in_seconds(rule: str, seconds: int | None) -> None:
    assert Dedupe(for_=rule).period_s == seconds
