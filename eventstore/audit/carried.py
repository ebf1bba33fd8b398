"""Lines that are carried along: they stand in an archive, and must stand in the table too (docs/archive.md).

Readers would not miss them, as they go on in the file; but whoever removed them changed the log. Where to look is asked
of the table `jobs`; what is said of a line follows from the log alone.
"""

from collections.abc import Sequence
from importlib.resources import files

from eventstore.archive import read as archived
from eventstore.archive.packed import Row
from eventstore.audit.parts import Held
from eventstore.audit.walk import Bad, Kind
from eventstore.postgres import Connection
from schemas.events import JobCanceled, JobFinished, RetryRequested
from schemas.states import ENDED, visible

PAGE = 1000
OPENS = RetryRequested.__name__
ENDS = frozenset({JobFinished.__name__, JobCanceled.__name__})
ENDED_STATES = sorted({visible(phase).value for phase in ENDED})

_OF_JOBS = files("eventstore.audit").joinpath("carried.sql").read_text()
# The newest line of a stream that is of no job stays: one of its lines is at least as new as the archives'.
_OWN = """select tenant, stream, version
    from unnest($2::text[], $3::text[], $4::int[]) newest (tenant, stream, version)
    where not exists (select from events e where e.partition = $1 and e.tenant = newest.tenant
        and e.stream = newest.stream and e.version >= newest.version)"""


async def missing(conn: Connection, partition: int, held: Sequence[Held]) -> Bad | None:
    """The first line that was carried along and is gone. `held`: what was checked, in the caller's snapshot."""
    upto = max((each.part.upto for each in held if each.part.record), default=0)
    if not upto:
        return None
    own: dict[tuple[str, str], int] = {}
    for each in held:
        own |= each.own
    tenants, streams = [tenant for tenant, _ in own], [stream for _, stream in own]
    gone: list[Row] = []
    for tenant, stream, version in await conn.fetch(_OWN, partition, tenants, streams, list(own.values())):
        lines = await _lines(conn, partition, tenant, stream, version)
        gone += lines[-1:]
    for tenant, stream, version in await conn.fetch(_OF_JOBS, partition, upto, ENDED_STATES):
        lines = await _lines(conn, partition, tenant, stream, version)
        if lines and lines[-1].keys.version == version and not _left_ended(lines):
            gone.append(lines[-1])
    if not gone:
        return None
    first = min(gone, key=lambda row: row.position)
    detail = f"version {first.keys.version} of {first.keys.stream} was carried along, and is now in its archive alone"
    return Bad(partition, first.position, Kind.MISSING, detail)


async def _lines(conn: Connection, partition: int, tenant: str, stream: str, version: int) -> list[Row]:
    """Archived lines of a stream up to a version, in order."""
    found: list[Row] = []
    after = 0
    while after < version and (
        more := await archived.of_stream(conn, partition, tenant, stream, after, min(PAGE, version - after))
    ):
        found += [row for row in more if row.keys.version <= version]
        after = more[-1].keys.version
    return found


def _left_ended(lines: Sequence[Row]) -> bool:
    """Whether the job had ended after these lines, so that they could leave."""
    ended = False
    for row in lines:
        ended = row.keys.type in ENDS or (ended and row.keys.type != OPENS)
    return ended
