"""A recorded or synthetic trace as the events that would have stood in the log.

Columns: `job,type,owner,size,submitted,started,ended,outcome`, times in seconds since the first request.
"""

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from schemas import events as e
from schemas.envelope import SYSTEM, Recorded, time_text
from schemas.jobtypes import Definition
from schemas.states import State

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
FINISHED, FAILED = State.FINISHED.value, "failed"  # words of a trace
END, SUBMIT, START, END_AT_ONCE = range(4)  # the order within one moment

_DEFINITION = Definition(title="Job")


class Row(Struct, frozen=True):
    """One job of a trace. `started` and `ended` are None where unknown."""

    job: str
    type: str
    owner: str
    size: float | None
    submitted: float
    started: float | None
    ended: float | None
    outcome: str

    @property
    def waited(self) -> float | None:
        return None if self.started is None else self.started - self.submitted

    @property
    def worked(self) -> float | None:
        """Of a job that finished: how long good work took."""
        known = self.started is not None and self.ended is not None and self.outcome == FINISHED
        return self.ended - self.started if known and self.ended is not None and self.started is not None else None


def read_trace(path: Path) -> list[Row]:
    """Raises ValueError or KeyError on what is no trace."""
    with gzip.open(path, "rt", newline="") as lines:
        return [
            Row(
                row["job"],
                row["type"],
                row["owner"],
                _number(row["size"]),
                float(row["submitted"]),
                _number(row["started"]),
                _number(row["ended"]),
                row["outcome"],
            )
            for row in csv.DictReader(lines)
        ]


def moments(rows: list[Row]) -> list[tuple[float, int, int]]:
    """(time, what, row) of everything that happens, in order."""
    found: list[tuple[float, int, int]] = []
    for number, row in enumerate(rows):
        found.append((row.submitted, SUBMIT, number))
        if row.started is not None:
            found.append((row.started, START, number))
        if row.ended is not None:
            at_once = row.ended <= (row.submitted if row.started is None else row.started)
            found.append((row.ended, END_AT_ONCE if at_once else END, number))
    return sorted(found)


def events(rows: list[Row]) -> Iterator[tuple[int, int, Recorded]]:
    """(what, row, event), in the order of the log."""
    for position, (seconds, what, number) in enumerate(moments(rows), start=1):
        row = rows[number]
        at = BEGIN + timedelta(seconds=seconds)
        for data in _data(row, what, at):
            yield what, number, _recorded(row.job, position, at, data)


def _data(row: Row, what: int, at: datetime) -> tuple[e.Event, ...]:
    if what == SUBMIT:
        return _requested(row), e.JobQueued(run=1, ready_at=time_text(at))
    if what == START:
        return (e.AttemptStarted(run=1, attempt=1, worker="trace"),)
    if row.started is None:
        return (e.JobCanceled(),)
    if row.outcome == FINISHED:
        return (e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None),)
    if row.outcome == FAILED:
        failed = e.AttemptFailed(run=1, attempt=1, reason="trace", retryable=False)
        return failed, e.NeedsFix(cause="gave_up")
    return (e.JobCanceled(),)


def _requested(row: Row) -> e.JobRequested:
    return e.JobRequested(
        type=row.type,
        ref="",
        title=None,
        owner=row.owner,
        input=None,
        settings=None,
        size=row.size,
        priority=0,
        not_before=None,
        definition=_DEFINITION,
        dedupe=None,
        again=False,
    )


def _recorded(job: str, position: int, at: datetime, data: e.Event) -> Recorded:
    return Recorded(
        tenant="trace",
        partition=0,
        position=position,
        stream=job,
        version=1,
        recorded_at=at,
        actor=SYSTEM,
        data=data,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
