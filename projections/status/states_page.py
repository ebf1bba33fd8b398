"""docs/states.md, written from the tables: `python -m projections.status.states_page > docs/states.md`."""

import sys
from datetime import UTC, datetime

from msgspec.structs import replace

from projections.status.words import FAILED, LOST, Script, message, sentence
from schemas.events import StoredResult
from schemas.job import Job, Ledger, Problem, Progress
from schemas.jobtypes import Definition, Noun, Stage
from schemas.states import SAME, TRANSITIONS, VISIBLE, Phase, State, visible

HEAD = """# States

Written from `schemas/states.py` by `make docs`; a test holds it current. A person sees one of five words, the same for
every kind of job, and under it one short sentence. A phase is what the service knows; the word follows from it.
"""

_NOTES = Noun("note", "notes")
_SAMPLE = Job(
    id="0193a5b0-0000-7000-8000-000000000000",
    ref="EX-7F3K9MQ2",
    tenant="default",
    type="orders.export",
    definition=Definition(title="Import", stages=(Stage("writing", "Writing your file"),)),
    owner="ann",
    title=None,
    size=None,
    priority=0,
    dedupe=None,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    version=1,
    position=1,
    failures=3,
)
_BAD_ROWS = Ledger(total=4200, done=4200, failed=4)
_NOTES_DONE = Ledger(total=28, done=28, failed=5, closed=True)
_AI = replace(_SAMPLE, definition=Definition(title="Notes", unit=_NOTES, ready=Noun("summary", "summaries")))
_STAGE = replace(_SAMPLE, stage="writing")

EXAMPLES: dict[Phase, list[Job]] = {
    Phase.READY: [_SAMPLE, replace(_SAMPLE, problem=Problem(LOST)), replace(_SAMPLE, problem=Problem(FAILED))],
    Phase.RETRYING: [_SAMPLE, replace(_SAMPLE, problem=Problem(LOST)), replace(_SAMPLE, problem=Problem(FAILED))],
    Phase.WORKING: [
        _SAMPLE,
        _STAGE,
        replace(_STAGE, progress=Progress(12_500, 50_000, None)),
        replace(_SAMPLE, ledger=_BAD_ROWS),
    ],
    Phase.QUIET: [_SAMPLE, _STAGE],
    Phase.STUCK: [_SAMPLE, _STAGE],
    Phase.FINALIZING: [_SAMPLE, replace(_SAMPLE, ledger=_BAD_ROWS)],
    Phase.ASKING: [
        replace(_SAMPLE, problem=Problem("asked", text="row 17 has an invalid date in start_date")),
        replace(_SAMPLE, ledger=_BAD_ROWS),
    ],
    Phase.DONE: [
        replace(_SAMPLE, result=StoredResult(upload="a", name="orders.csv")),
        replace(_SAMPLE, result=StoredResult(inline={})),
    ],
    Phase.PARTLY_DONE: [replace(_AI, ledger=_NOTES_DONE)],
}


def page() -> str:
    return "\n".join([HEAD, *_diagram(), "", *_phases(), "", *_transitions(), ""])


def label(state: State) -> str:
    return Script("en").say("", message(f"state-{state.value}"))


def sentences(phase: Phase) -> list[str]:
    """What is said in a phase, for each cause that has its own words."""
    jobs = [replace(job, phase=phase) for job in EXAMPLES.get(phase, [_SAMPLE])]
    return [Script("en").say("", sentence(job, "en")) for job in jobs]


def _diagram() -> list[str]:
    """The five words and what leads from one to another; events that keep the word are left to the table below."""
    edges: dict[tuple[str, str], list[str]] = {}
    for (event, _), (sources, target) in TRANSITIONS.items():
        for source in sorted(sources) if target is not SAME else []:
            here = "[*]" if source is Phase.NEW else visible(source).value
            if here != visible(target).value:
                names = edges.setdefault((here, visible(target).value), [])
                names += [] if event in names else [event]
    named = [f'    state "{label(state)}" as {state.value}' for state in State]
    drawn = [f"    {here} --> {there}: {', '.join(names)}" for (here, there), names in edges.items()]
    return ["```mermaid", "stateDiagram-v2", *named, *drawn, "```"]


def _phases() -> list[str]:
    rows = [f"| {phase.value} | {label(state)} | {'<br>'.join(sentences(phase))} |" for phase, state in VISIBLE.items()]
    return ["## Phases, and what each says", "", "| phase | a person sees | sentence |", "|---|---|---|", *rows]


def _transitions() -> list[str]:
    rows = [
        f"| {event}{f' ({variant})' if variant else ''} | {_names(sources)} | {_target(target)} |"
        for (event, variant), (sources, target) in TRANSITIONS.items()
    ]
    return ["## Events, where each may come, and where it leads", "", "| event | in | to |", "|---|---|---|", *rows]


def _target(phase: Phase) -> str:
    return "stays" if phase is SAME else phase.value


def _names(phases: frozenset[Phase]) -> str:
    if phases == frozenset(Phase) - {Phase.NEW}:
        return "any"
    return ", ".join(phase.value for phase in Phase if phase in phases)


if __name__ == "__main__":
    sys.stdout.write(page())
