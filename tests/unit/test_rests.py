"""Rests between pages of work that can wait: short beside nothing else, long beside much, never without end."""

import pytest

from services.work.rests import BUSY, IDLE, MOST_S, Rests

PAGE_S = 0.01


class Machine:
    """A clock and what the process has spent of it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.spent = 7.0

    def passes(self, seconds: float, busy: float) -> None:
        self.now += seconds
        self.spent += seconds * busy


def rested(machine: Machine, rests: Rests, page_s: float = PAGE_S, *, more: bool = True) -> float | None:
    rests.begin()
    machine.passes(page_s, 1.0)
    rests.end(more=more)
    return rests.left_s


@pytest.mark.parametrize(("busy", "pages"), [(0.0, IDLE), (0.5, (IDLE + BUSY) / 2), (1.0, BUSY), (1.7, BUSY)])
def test_a_rest_is_as_long_as_the_process_is_busy_with_all_else(busy: float, pages: float) -> None:
    machine = Machine()
    rests = Rests(lambda: machine.now, lambda: machine.spent)
    machine.passes(1.0, busy)
    assert rested(machine, rests) == pytest.approx(pages * PAGE_S)


def test_what_a_page_itself_takes_counts_for_nothing() -> None:
    machine = Machine()
    rests = Rests(lambda: machine.now, lambda: machine.spent)
    machine.passes(1.0, 1.0)
    rested(machine, rests)
    machine.passes(0.2, 0.0)
    assert rested(machine, rests) == pytest.approx(IDLE * PAGE_S)


def test_no_rest_is_longer_than_the_longest() -> None:
    machine = Machine()
    rests = Rests(lambda: machine.now, lambda: machine.spent)
    machine.passes(1.0, 1.0)
    assert rested(machine, rests, page_s=60.0) == pytest.approx(MOST_S)


def test_a_rest_runs_out_and_where_nothing_waits_there_is_none() -> None:
    machine = Machine()
    rests = Rests(lambda: machine.now, lambda: machine.spent)
    begun_with = rests.left_s
    assert begun_with is None
    rested(machine, rests)
    machine.passes(2 * MOST_S, 0.0)
    over_s = -(rests.left_s or 0.0)
    assert over_s > 0
    assert rested(machine, rests, more=False) is None
