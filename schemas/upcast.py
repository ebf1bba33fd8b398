"""Old forms of events, brought to today's form when they are read. Written bytes stay as they are."""

from collections.abc import Callable

from schemas.events import SCHEMA

Data = dict[str, object]


def _attempt_lost_1(data: Data) -> Data:
    """Schema 2 added `silent_s`; how long an older attempt was silent is not known."""
    return {**data, "silent_s": 0.0}


STEPS: dict[tuple[str, int], Callable[[Data], Data]] = {("AttemptLost", 1): _attempt_lost_1}


def upcast(event: str, schema: int, data: Data) -> Data:
    """The data in today's form. Raises KeyError for a form that no step is known for."""
    for version in range(schema, SCHEMA[event]):
        data = STEPS[event, version](data)
    return data
