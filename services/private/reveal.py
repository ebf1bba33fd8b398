"""The other direction, in one place: a folded job, its items and its assignments with their private fields readable.

Where the key was destroyed, the fields are gone and the job says so (`Job.veil`); `render` has the words.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from eventstore.private.cipher import PersonKey, Unreadable, bound_to
from projections.status.read import ItemRow
from projections.status.veil import removed
from schemas.commands import Assignment
from schemas.events import Json, StoredResult
from schemas.job import Job, Problem
from schemas.private import (
    ITEM_VALUE,
    LIFTED,
    RESULT,
    RETRY_INPUT,
    TITLE,
    Marked,
    change_at,
    is_marker,
    marked,
)


class Glass(Struct, frozen=True):
    """What one job's fields are read through. `key`: None where it was destroyed."""

    key: PersonKey | None
    job: Job

    @property
    def marks(self) -> Marked:
        return marked(self.job.definition.private)

    def value(self, path: str, value: Json) -> Json:
        """What a marker stands for; null where it can't be read any more."""
        if not is_marker(value) or not isinstance(value, str):
            return value
        if self.key is None:
            return None
        try:
            plain = self.key.open(value, bound_to(self.job.tenant, self.job.id, path))
        except Unreadable:
            return None
        found: Json = msgspec.json.decode(plain)
        return found

    def text(self, path: str, text: str | None) -> str | None:
        found = self.value(path, text)
        return found if isinstance(found, str) else None


def revealed(glass: Glass) -> Job:
    """The job as its reader may see it."""
    job, marks = glass.job, glass.marks
    if glass.key is None:
        return removed(job)
    return replace(
        job,
        veil=LIFTED,
        title=glass.text(TITLE, job.title) if marks.title else job.title,
        problem=_problem(glass, job.problem) if marks.problem and job.problem else job.problem,
        result=_result(glass, job.result) if marks.result and job.result else job.result,
    )


def _problem(glass: Glass, problem: Problem) -> Problem:
    words = {name: glass.text(name, getattr(problem, name)) for name in ("text", "reason", "next")}
    return replace(problem, **words)


def _result(glass: Glass, result: StoredResult) -> StoredResult:
    return replace(
        result,
        inline=glass.value(f"{RESULT}.inline", result.inline),
        name=glass.text(f"{RESULT}.name", result.name),
        href=glass.text(f"{RESULT}.href", result.href),
        sha256=glass.text(f"{RESULT}.sha256", result.sha256),
    )


def revealed_items(glass: Glass, items: Sequence[ItemRow], instead: str) -> list[ItemRow]:
    """`instead`: the word that stands where a value or reason can't be read any more."""

    def value(path: str, sealed: Json) -> Json:
        plain = glass.value(path, sealed)
        return instead if plain is None and is_marker(sealed) else plain

    if not (glass.marks.items or glass.marks.problem):
        return list(items)
    return [
        replace(each, value=value(ITEM_VALUE, each.value), reason=str(value("reason", each.reason)))
        if each.reason is not None
        else replace(each, value=value(ITEM_VALUE, each.value))
        for each in items
    ]


def revealed_assignment(glass: Glass, assignment: Assignment) -> Assignment:
    """What a worker gets: plain input, settings and items."""
    marks = glass.marks
    if assignment.job.retry_input and marks.retry_input:
        given = glass.value(RETRY_INPUT, assignment.input)
    else:
        given = change_at(assignment.input, "input", marks.input, glass.value)
    return replace(
        assignment,
        input=given,
        settings=change_at(assignment.settings, "settings", marks.settings, glass.value),
        items=tuple(_item(glass, each) for each in assignment.items),
    )


def _item(glass: Glass, item: dict[str, Json]) -> dict[str, Json]:
    value, reason = glass.value(ITEM_VALUE, item["value"]), glass.value("reason", item["reason"])
    return {**item, "value": value, "reason": reason}
