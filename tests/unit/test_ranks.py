"""A line against a plain sorted list, whatever comes and goes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from projections.waits.ranks import CLEARED, Rank, Ranks

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def rank(n: int, priority: int = 0) -> Rank:
    return -priority, BEGIN + timedelta(seconds=n), f"job-{n}"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 2))))
def test_it_holds_what_was_put_and_not_dropped(steps: list[tuple[bool, int, int]]) -> None:
    line, plain = Ranks(), set[Rank]()
    for puts, n, priority in steps:
        each = rank(n, priority)
        if puts and each not in plain:
            line.put(each)
            plain.add(each)
        elif not puts:
            line.drop(each)
            plain.discard(each)
        assert (list(line), len(line)) == (sorted(plain), len(plain))
        assert line.before(each) == sum(other < each for other in plain)


def test_a_long_line_drains_from_its_head() -> None:
    line = Ranks()
    for n in range(4 * CLEARED):
        line.put(rank(n))
    for n in range(4 * CLEARED):
        line.drop(rank(n))
        assert len(line) == 4 * CLEARED - n - 1
        assert line.before(rank(5 * CLEARED)) == len(line)
    line.put(rank(1))
    assert list(line) == [rank(1)]
