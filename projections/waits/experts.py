"""Several opinions on one duration, each a centre and a window of its own past errors, mixed by how well they did.

An opinion is `(level, key, centre, size)`: `level` numbers the way of looking (owner and size, type, line …), `key`
names the cell whose window holds the errors of just this kind of job. Each cell is judged by its interval score
(Gneiting and Raftery, "Strictly proper scoring rules", 2007) on outcomes it had not seen; a new one borrows its
level's score. The mix averages quantiles with weights that fall with the score's sixth power: softly, the best
one is taken.
"""

import math

from msgspec import Struct, field

from projections.waits.windows import UNIT, Window

Opinion = tuple[int, str, int, int]
Spread = tuple[float, float]

TAIL = 0.085  # left below and above: a little less than the range may miss, as rounding adds a little more
MISSED = 1 / (TAIL * UNIT)
ENOUGH = 4  # scored outcomes before a cell is heard
BORROWED = 6  # how many outcomes its level's score counts for
MEMORY = 60  # outcomes of a cell's score
LEVEL_MEMORY = 50
SCORE_MAX = 12.0
LEAST = 0.05  # nobody is so good that the others are not heard
PRIOR = 12  # a level whose errors are taken as given, so that it is heard where nothing was met yet
PRIOR_SPREAD: Spread | None = -900.0, 900.0  # its log time on each side
CELLS_MAX = 24_000  # in memory; what was not met for longest is forgotten first


class Cell(Struct):
    """One opinion's past errors.

    `owner` and `run`: whose job came last, and how many of theirs in a row. `factor`, `jobs`: of an owner's own cell,
    how their work stands to that of others (`curve.py`).
    """

    window: Window
    score: float = 0.0
    scored: int = 0  # outcomes behind the score, counted up to its memory
    owner: str = ""
    run: int = 0
    factor: float = 0.0
    jobs: int = 0


class Shelf(Struct):
    """Bounded: what was not touched while a whole half filled up goes with the older half."""

    young: dict[str, Cell] = field(default_factory=dict)
    old: dict[str, Cell] = field(default_factory=dict)

    def look(self, key: str) -> Cell | None:
        return self.young.get(key) or self.old.get(key)

    def take(self, key: str, size: int) -> Cell:
        """The cell to learn into: found, moved to the young half, or new."""
        cell = self.young.get(key)
        if cell is None:
            cell = self.old.pop(key, None) or Cell(Window(size))
            if len(self.young) >= CELLS_MAX // 2:
                self.old, self.young = self.young, {}
            self.young[key] = cell
        return cell


def blend(
    shelf: Shelf, levels: list[float], opinions: list[Opinion], elapsed: int | None = None
) -> tuple[float, float] | None:
    """Low and high log time, mixed. With `elapsed`: of jobs that took longer than that. None: nothing is known."""
    heard: list[tuple[float, float, float]] = []
    young, old, best = shelf.young.get, shelf.old.get, math.inf
    for level, key, centre, _ in opinions:
        cell = young(key) or old(key)
        scored = cell.scored if cell else 0
        if level == PRIOR:
            spread = PRIOR_SPREAD
        elif cell is None or scored < ENOUGH:
            continue
        elif elapsed is None:
            spread = cell.window.usual(TAIL)
        else:
            spread = cell.window.spread(TAIL, elapsed - centre)
        if spread is None:
            continue
        score = BORROWED * levels[level]
        if cell:
            score += scored * cell.score
        score = score / (scored + BORROWED) + LEAST
        best = min(best, score)
        heard.append((score, centre + spread[0], centre + spread[1]))
    if not heard:
        return None
    total = low = high = 0.0
    for score, lower, upper in heard:
        weight = best / score
        weight *= weight * weight
        weight *= weight
        total += weight
        low += weight * lower
        high += weight * upper
    return low / total, high / total


def learn(shelf: Shelf, levels: list[float], opinions: list[Opinion], outcome: int, owner: str | None = None) -> None:
    """Judge each opinion by an outcome, then add its error. With `owner`: their jobs in a row count less and less.

    A burst of like jobs shares its fate: two hundred of them say one thing, not two hundred. Of those the 1st, 2nd,
    4th, 8th … are taken in.
    """
    for level, key, centre, size in opinions:
        cell = shelf.take(key, size)
        if owner is not None:
            cell.run = cell.run + 1 if cell.owner == owner else 1
            cell.owner = owner
            if cell.run & (cell.run - 1):
                continue
        error = outcome - centre
        _judge(cell, levels, level, error)
        cell.window.add(error)


def _judge(cell: Cell, levels: list[float], level: int, error: int) -> None:
    window = cell.window
    spread = PRIOR_SPREAD if level == PRIOR else window.usual(TAIL) if len(window.ordered) > 2 else None
    if spread is None:
        return
    low, high = spread
    score = (high - low) / UNIT
    if error < low:
        score += (low - error) * MISSED
    elif error > high:
        score += (error - high) * MISSED
    score = min(score, SCORE_MAX)
    if cell.scored < MEMORY:
        cell.scored += 1
    cell.score += (score - cell.score) / cell.scored
    levels[level] += (cell.score - levels[level]) / LEVEL_MEMORY
