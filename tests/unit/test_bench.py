"""What the bench says of its figures: medians and spread, aims, pictures, and which change is beyond the noise."""

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import _plots, compare
from bench._aims import AIMS, Aim, judge
from bench._results import Results, Row, load, page

figures = st.floats(min_value=0.01, max_value=1e9, allow_nan=False)


def results(**rows: list[float]) -> Results:
    units = {"rate": "/s", "late": "ms"}
    made = {name: Row(units[name.partition("_")[0]], values) for name, values in rows.items()}
    return Results(machine={"": "2 cores"}, rounds=3, quick=False, rows=made)


def test_a_row_says_its_median_and_how_far_its_rounds_lie_apart() -> None:
    row = Row("/s", [90.0, 100.0, 120.0])
    assert row.median == 100
    assert row.spread == pytest.approx(0.15)


def test_rows_of_several_rounds_are_gathered_by_name() -> None:
    gathered = Results(machine={}, rounds=2, quick=False)
    for value in (1.0, 3.0):
        gathered.take([msgspec.json.encode({"name": "a", "value": value, "unit": "ms", "note": "n"})])
    assert gathered.rows["a"].values == [1.0, 3.0]
    assert gathered.medians == {"a": 2.0}


def test_an_aim_takes_the_best_of_the_rows_that_it_names() -> None:
    medians = {"ours": 300.0, "peer a: enqueue": 100.0, "peer b: enqueue": 150.0, "peer b: drain": 900.0}
    verdict = judge(medians, [Aim("ours", 1.5, ("peer *: enqueue",))])[0]
    assert (verdict.limit, verdict.ratio, verdict.reached) == (150.0, 2.0, True)


@pytest.mark.parametrize(("value", "most", "reached"), [(5.0, True, False), (4.0, True, True), (3.0, False, False)])
def test_a_plain_aim_is_a_bound(value: float, most: bool, reached: bool) -> None:
    assert judge({"row": value}, [Aim("row", 4, most=most)])[0].reached is reached


def test_what_was_not_measured_is_never_called_reached() -> None:
    assert {verdict.reached for verdict in judge({})} == {None}
    assert judge({"row": 1.0}, [Aim("row", 1, ("limit",))])[0].reached is None


def test_the_page_shows_every_aim_every_row_and_what_failed(tmp_path: Path) -> None:
    shown = results(rate_a=[1.0], late_b=[2.0])
    shown.failures.append("peers (ended with 1)")
    text = page(shown, {"make bench": "all"})
    assert text.count("| not measured |") == len(AIMS)
    assert "| rate_a | 1.00 /s |" in text
    assert "**Not measured:** peers (ended with 1)" in text
    shown.save(tmp_path / "out" / "run.json")
    assert load(tmp_path / "out" / "run.json") == shown


def test_slower_is_what_no_round_before_was_as_slow_as() -> None:
    before = results(rate_a=[100, 104, 98], late_b=[10, 11, 12], rate_c=[100, 130, 70])
    after = results(rate_a=[80, 82, 85], late_b=[8, 7, 9], rate_c=[90, 60, 110])
    sure = {change.name: (change.sure, change.worse > 0) for change in compare.compare(before, after)}
    assert sure == {"rate_a": (True, True), "late_b": (True, False), "rate_c": (False, True)}


def test_one_round_each_needs_a_big_difference() -> None:
    small = compare.compare(results(rate_a=[100]), results(rate_a=[85]))[0]
    big = compare.compare(results(rate_a=[100]), results(rate_a=[60]))[0]
    assert (small.sure, big.sure) == (False, True)


@given(st.lists(figures, min_size=1, max_size=5))
def test_nothing_is_slower_than_itself(values: list[float]) -> None:
    changes = compare.compare(results(rate_a=values, late_b=values), results(rate_a=values, late_b=values))
    assert not any(change.sure for change in changes)


@given(st.lists(figures, min_size=1, max_size=4), st.lists(figures, min_size=1, max_size=4))
def test_what_is_slower_one_way_is_better_the_other(old: list[float], new: list[float]) -> None:
    there = compare.compare(results(rate_a=old), results(rate_a=new))[0]
    back = compare.compare(results(rate_a=new), results(rate_a=old))[0]
    if there.sure and back.sure:
        assert (there.worse > 0) != (back.worse > 0)
    assert there.worse * back.worse <= 0


def test_its_exit_code_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fast, slow = tmp_path / "fast.json", tmp_path / "slow.json"
    results(rate_a=[100, 101]).save(fast)
    results(rate_a=[50, 51]).save(slow)
    other = tmp_path / "other.json"
    results(rate_z=[1]).save(other)
    codes = [compare.main([str(a), str(b)]) for a, b in [(fast, slow), (slow, fast), (fast, fast), (fast, other)]]
    assert codes == [1, 0, 0, 2]
    assert compare.main([]) == 2
    assert "SLOWER" in capsys.readouterr().out


def test_a_picture_is_drawn_only_from_figures(tmp_path: Path) -> None:
    drawn = results()
    assert _plots.write(drawn, tmp_path) == []
    for connections, rate in ((1, 300.0), (64, 2500.0)):
        drawn.rows[f"over load: submits at {connections} connections"] = Row("/s", [rate])
        drawn.rows[f"over load: p99 at {connections} connections"] = Row("ms", [12.0])
    (path,) = _plots.write(drawn, tmp_path)
    svg = path.read_text()
    assert path.name == "over-load.svg"
    assert svg.count("<circle") == 4
    assert len(re.findall(r">2,500/s<", svg)) == 1
