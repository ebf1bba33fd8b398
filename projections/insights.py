"""What happened per tenant, job type and day (UTC), for operators: `select * from insights`.

`repeats` are the duplicates prevented: clicks that met a job which was already there. What finished a moment ago is
counted in short slots as well (`insights_recent`), for the console's first screen.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files

from eventstore import read
from eventstore.postgres import Connection
from eventstore.remembered import forget_oldest
from schemas import events as e
from schemas.envelope import Recorded

COUNTED: tuple[type[e.Event], ...] = (  # in the order of the columns in insights_count.sql
    e.JobRequested,
    e.RequestRepeated,
    e.JobFinished,
    e.JobCanceled,
    e.NeedsFix,
    e.AttemptLost,
)
KNOWN_MAX = 50_000  # jobs whose type is kept in memory; others are looked up in the log

SLOT_S = 10
RECENT_KEPT = timedelta(minutes=10)

_COUNT = files("projections").joinpath("insights_count.sql").read_text()
_COUNT_RECENT = files("projections").joinpath("insights_recent_count.sql").read_text()
_FORGET_RECENT = "delete from insights_recent where partition = $1 and slot < $2"  # by insights_recent_slot

Place = tuple[str, str, date]  # tenant, type, day


class Insights:
    """Counts from the log alone, so that they stay right when the job itself is gone."""

    name = "insights"

    def __init__(self) -> None:
        self._types: dict[str, str] = {}  # by job, oldest first

    async def apply(self, conn: Connection, partition: int, recorded: Sequence[Recorded]) -> None:
        counted = [each for each in recorded if type(each.data) in COUNTED]
        await self._learn_types(conn, partition, counted)
        counts: dict[Place, Counter[type[e.Event]]] = {}
        for each in counted:
            place = each.tenant, self._types[each.stream], each.recorded_at.date()
            counts.setdefault(place, Counter())[type(each.data)] += 1
        await conn.execute(
            _COUNT,
            partition,
            *([place[n] for place in counts] for n in range(3)),
            *([count[kind] for count in counts.values()] for kind in COUNTED),
        )
        if recorded:
            await self._count_recent(conn, partition, counted, recorded[-1].recorded_at - RECENT_KEPT)
        forget_oldest(self._types, KNOWN_MAX)

    async def _count_recent(
        self, conn: Connection, partition: int, counted: Sequence[Recorded], since: datetime
    ) -> None:
        ends = Counter(
            (each.tenant, self._types[each.stream], slot_of(each.recorded_at))
            for each in counted
            if isinstance(each.data, e.JobFinished) and each.recorded_at >= since
        )
        if ends:
            await conn.execute(
                _COUNT_RECENT, partition, *([place[n] for place in ends] for n in range(3)), list(ends.values())
            )
            await conn.execute(_FORGET_RECENT, partition, since)

    async def _learn_types(self, conn: Connection, partition: int, counted: Sequence[Recorded]) -> None:
        self._types |= _types_of(counted)
        unknown = {(each.tenant, each.stream) for each in counted if each.stream not in self._types}
        if unknown:
            found = await read.job_types(conn, partition, sorted(unknown))
            self._types |= {job: job_type for (_, job), job_type in found.items() if job_type}


def slot_of(at: datetime) -> datetime:
    """The begin of the slot that a moment is in."""
    return at.replace(second=at.second // SLOT_S * SLOT_S, microsecond=0)


def _types_of(recorded: Sequence[Recorded]) -> dict[str, str]:
    """A job's type stands in its first event alone."""
    return {each.stream: each.data.type for each in recorded if isinstance(each.data, e.JobRequested)}
