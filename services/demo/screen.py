"""What the demo shows: a person's screen in words, or the same as one line of JSON for each change."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
from rich.console import Console
from rich.markup import escape

from tidings import JobView

LABEL_WIDTH = 10


class Screen(Protocol):
    def scene(self, title: str) -> None: ...

    def click(self, button: str, view: JobView) -> None: ...

    def say(self, text: str) -> None: ...

    def show(self, view: JobView) -> None: ...

    def failed(self, text: str) -> None: ...

    def done(self, results: Sequence[Path]) -> None: ...


class Words:
    """Lines as a person would read them; on a terminal the last one moves while its job runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._shown: tuple[object, ...] = ()
        self._known: set[str] = set()

    def scene(self, title: str) -> None:
        self._status.stop()
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def click(self, button: str, view: JobView) -> None:
        words = view.repeat.text if view.repeat else f"{button} started."
        self._line("Click", f"{words} Job {view.ref}.")

    def say(self, text: str) -> None:
        self._line("", text)

    def show(self, view: JobView) -> None:
        for line in about(view, first=view.id not in self._known):
            self._line("", line)
        self._known.add(view.id)
        blocked = view.ended or view.needs_person
        count = view.problem and view.problem.count
        mark = (view.id, view.label, view.stage, view.run, view.attempt, count, blocked)
        if mark != self._shown:
            self._shown = mark
            self._line(view.label, view.sentence)
            for line in trouble(view):
                self._line("", line)
        self._status.update(escape(f"{view.label}: {view.sentence}"))
        if blocked:
            self._status.stop()
        else:
            self._status.start()

    def failed(self, text: str) -> None:
        self._status.stop()
        self._console.print(f"\n[bold red]{escape(text)}[/bold red]")

    def done(self, results: Sequence[Path]) -> None:
        self.scene("Everything is there")
        for path in results:
            self._console.print(f"  {escape(str(path))}", soft_wrap=True)

    def _line(self, label: str, text: str) -> None:
        self._console.print(f"  [bold]{escape(label):<{LABEL_WIDTH}}[/bold]{escape(text)}", soft_wrap=True)


def about(view: JobView, *, first: bool) -> list[str]:
    """What a person wants to know once: how long, whether to stay, where to look."""
    if not first:
        return []
    said = [view.wait and view.wait.text, view.leave and view.leave.text, view.result and view.result.place]
    words: list[str] = []
    words += [text for text in said if text and not any(text in other for other in words)]
    return words


def trouble(view: JobView) -> list[str]:
    """What failed, and next to it what can be done. While the job goes on by itself its sentence says enough."""
    if not (view.ended or view.needs_person):
        return []
    said = (view.problem.text, view.problem.next) if view.problem is not None else ()
    lines = [text for text in said if text and text != view.sentence]
    if offers := [action for action in view.actions if action.name not in {"cancel", "again"}]:
        lines.append(" · ".join(f"[{action.label}]" for action in offers))
    return lines


class Lines:
    """One line of JSON for each changed view, and nothing else on stdout."""

    def scene(self, title: str) -> None:
        pass

    def say(self, text: str) -> None:
        pass

    def click(self, button: str, view: JobView) -> None:  # noqa: ARG002 - the view says it all
        self.show(view)

    def show(self, view: JobView) -> None:
        _write({**msgspec.to_builtins(view), "at": datetime.now(UTC)})

    def failed(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def done(self, results: Sequence[Path]) -> None:
        _write({"done": True, "results": [str(path) for path in results]})


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def screen_for(*, json: bool) -> Screen:
    return Lines() if json else Words(Console(highlight=False))
