"""What a claimed attempt works on: its input and settings, and the items to do again. Put together after the commit."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TypeVar

import msgspec
from asyncpg import Record

from eventstore.postgres import Connection
from projections.items import ItemState, item_state
from projections.status.fold import FAILED_ITEMS
from schemas.commands import Assignment, Outcome
from schemas.events import Json

T = TypeVar("T")
Asked = tuple[bytes, bytes | None]  # a job's request and, if it has one, its retry's own input
_ASSIGN = files("services.jobs").joinpath("assign.sql").read_text()


async def complete(conn: Connection, partition: int, answers: Sequence[T]) -> list[T]:
    """The same answers, each assignment with its input, settings and open items.

    One query for all of them, and none where the claims have read all there is, as they do for new jobs.
    """
    wanted = [a for answer in answers if isinstance(answer, Outcome) for a in answer.assignments]
    again = [a.job.id for a in wanted if a.job.scope == FAILED_ITEMS]
    requests = {a.job.id: a.asked for a in wanted if a.asked}
    missing = [a.job.id for a in wanted if not a.asked]
    items: dict[str, list[Record]] = defaultdict(list)
    for row in await conn.fetch(_ASSIGN, partition, missing, again) if missing or again else ():
        if row["item"] is None:
            requests[row["job"]] = row["request"], row["retry_input"]
        else:
            items[row["job"]].append(row)
    return [_filled(answer, requests, items) for answer in answers]


def _filled(answer: T, requests: Mapping[str, Asked], items: Mapping[str, list[Record]]) -> T:
    if not isinstance(answer, Outcome) or not answer.assignments:
        return answer
    filled = tuple(_assignment(a, requests[a.job.id], items[a.job.id]) for a in answer.assignments)
    return msgspec.structs.replace(answer, assignments=filled)


def _assignment(assignment: Assignment, asked: Asked, items: list[Record]) -> Assignment:
    request, retry = asked
    whole = msgspec.json.decode(request, type=dict[str, object])
    job = assignment.job
    open_ = [i for i in items if item_state(i["run"], i["attempt"], True, job) is ItemState.OPEN]
    return msgspec.structs.replace(
        assignment,
        input=msgspec.json.decode(retry) if retry else whole["input"],
        settings=whole["settings"],
        items=tuple(_item(item) for item in open_),
        asked=None,
    )


def _item(row: Record) -> dict[str, Json]:
    value = None if row["value"] is None else msgspec.json.decode(row["value"])
    return {"id": row["item"], "row": row["row"], "column": row["column"], "reason": row["reason"], "value": value}
