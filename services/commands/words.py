"""A job as a person reads it in a terminal: the service's own words, laid out. Colours come on a terminal alone."""

import sys

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from schemas.states import State
from schemas.views import JobView

COLOURS = {
    State.QUEUED: "cyan",
    State.RUNNING: "blue",
    State.NEEDS_FIX: "yellow",
    State.FINISHED: "green",
    State.CANCELED: "dim",
}
BAR_WIDTH = 40


def console() -> Console:
    return Console(file=sys.stdout, highlight=False, soft_wrap=True)


def heading(view: JobView) -> Text:
    return Text.assemble(
        (f"{view.ref}  ", "bold"), (f"{view.label:<10}", COLOURS[State(view.state)]), f"  {view.title}"
    )


def lines(view: JobView) -> list[str]:
    """What follows the heading: what happens now, how long it may take, what to do next."""
    said = [view.sentence]
    if view.problem and view.problem.text not in said:
        said.append(view.problem.text)
    if view.waiting:
        said.append(view.waiting.text)
    if view.finished_at is None and view.wait.text:
        said.append(view.wait.text)
    if view.problem and view.problem.next:
        said.append(f"Next: {view.problem.next}")
    if view.finished_at is None and view.result.place:
        said.append(view.result.place)
    return [line for position, line in enumerate(said) if line and line not in said[:position]]


def screen(view: JobView) -> RenderableType:
    """The whole job, with its stages and progress."""
    parts: list[RenderableType] = [heading(view)]
    if view.stages:
        marks = {"done": "✓", "now": "▸", "ahead": "·"}
        parts.append(Text("   ".join(f"{marks[stage.state]} {stage.label}" for stage in view.stages), style="dim"))
    if view.progress and view.progress.total:
        parts.append(ProgressBar(total=view.progress.total, completed=view.progress.done, width=BAR_WIDTH))
    parts.extend(Text(line) for line in lines(view))
    return Group(*parts)
