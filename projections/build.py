"""The inline projections, built from the log by the very same fold and apply as the append's.

Where the rows go is the caller's choice: the tables that come first in the connection's search path.
"""

from importlib.resources import files

import msgspec

from eventstore import read
from eventstore.postgres import Connection
from projections.apply import APPLY_SQL, Changes
from projections.status.fold import fold
from schemas.envelope import Recorded
from schemas.events import JobRequested, JobTypeDefined
from schemas.job import Job

TABLES_SQL = files("projections").joinpath("tables.sql").read_text()

_APPLY = f"with {APPLY_SQL} select"
_DOCS = "select doc from jobs where partition = $1 and id = any ($2::uuid[])"

_job = msgspec.json.Decoder(Job)


async def build(conn: Connection, partition: int, after: int, upto: int, *, page: int = read.PAGE) -> int:
    """Apply the events after one position up to another, a page at a time. Answers how many they were."""
    position = after
    while position < upto:
        recorded = await read.read(conn, partition, position, min(page, upto - position))
        if not recorded:
            raise ValueError(f"partition {partition} ends at position {position}, before its head {upto}")
        await _apply(conn, partition, recorded)
        position = recorded[-1].position
    return position - after


async def _apply(conn: Connection, partition: int, recorded: list[Recorded]) -> None:
    changes = Changes()
    jobs = await load_jobs(conn, partition, recorded)
    for each in recorded:
        if isinstance(each.data, JobTypeDefined):
            changes.see_type(each, each.data)
        elif each.stream in jobs or isinstance(each.data, JobRequested):
            before = jobs.get(each.stream)
            jobs[each.stream] = fold(before, each)
            changes.see(before, each, jobs[each.stream])
    await conn.execute(_APPLY, *changes.params(partition))


async def load_jobs(conn: Connection, partition: int, recorded: list[Recorded]) -> dict[str, Job]:
    """The jobs of this page that began before it."""
    begun = {each.stream for each in recorded if isinstance(each.data, JobRequested)}
    older = {each.stream for each in recorded if ":" not in each.stream} - begun
    docs = await conn.fetch(_DOCS, partition, list(older))
    return {job.id: job for job in (_job.decode(row["doc"]) for row in docs)}
