"""How far a long command is: a bar on a terminal, and nothing where nobody looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Seen:
    """Counts what is done."""

    def __init__(self, progress: Progress, total: int, what: str) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)

    def __call__(self, more: int) -> None:
        self._progress.advance(self._task, more)


@contextmanager
def bar(what: str, total: int, *, shown: bool) -> Iterator[Seen]:
    """On stderr, gone when it is done. `what` happens to `total` things."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        yield Seen(progress, total, what)
