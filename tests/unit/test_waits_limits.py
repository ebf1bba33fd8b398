"""The limits of the waits: what is missed is said to be missed, and on which trace."""

from msgspec.structs import replace

from bench._waits_limits import LIMITS, verdicts
from projections.waits.evaluate import Part, replay, table
from tests.unit.traces import queue_trace

PARTS = table(TRACE := queue_trace(3, 1500), replay(TRACE, later=True), later=True)


def test_each_limit_is_told_for_each_trace() -> None:
    rows, _ = verdicts({"recorded": PARTS, "synthetic 1": PARTS})
    assert rows[0] == ["limit", "wanted", "recorded", "synthetic 1"]
    assert [row[0] for row in rows[1:]] == [limit.name for limit in LIMITS]
    worst = next(row for row in rows if row[0] == "work: worst 200 in a row")
    assert worst[2] == ""
    assert worst[3]


def test_what_is_missed_is_counted_and_named() -> None:
    _, before = verdicts({"recorded": PARTS})
    broken = [replace(part, score=replace(part.score, below=0.5)) for part in PARTS]
    rows, after = verdicts({"recorded": broken})
    assert after == before + 5
    assert [row[0] for row in rows if row[2] == "50.0% missed"] == [
        f"{what}: came sooner" for what in ("work", "work_at_start", "queue", "work_later", "queue_later")
    ]


def test_what_was_never_said_is_no_miss() -> None:
    silent = [Part(part.what, part.type, replace(part.score, held=None, bounds_held=None)) for part in PARTS]
    rows, _ = verdicts({"recorded": silent})
    assert {row[2] for row in rows if row[0].endswith(("ranges held", "bounds held"))} == {"–"}
