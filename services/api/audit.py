"""The calls of auditors: the log as sealed lines, and the signed checkpoints. Each read is itself an event."""

import base64
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response, StreamingResponse

from eventstore import read
from eventstore.archive import read as archived
from eventstore.audit import checkpoints
from eventstore.audit.checkpoints import Checkpoint, HistoryDamaged
from eventstore.audit.reading import Wanted, read_lines
from eventstore.postgres import Connection
from projections.status.read import LAST, database_now
from schemas.commands import RecordRead
from schemas.envelope import decode, time_text
from schemas.events import AuditRead
from schemas.ids import is_type_name, is_uuid
from schemas.problems import Fault, Problem
from services.api.calls import Asked, Call, Query, answer
from services.front.asked import accepted
from services.front.bodies import invalid
from services.front.problems import not_found, refused

NDJSON = "application/x-ndjson"
LINES_MAX = 2**31 - 1
READ_LASTS = timedelta(hours=24)  # for further pages of one read
EVENTS = "events"

_READ_ID = re.compile(r"([0-9]{1,3}):([0-9]{1,18})")
_EVENT_TYPE = re.compile(r"[A-Z][A-Za-z]{1,60}")
# By the primary key.
_LINE = "select tenant, line from events where partition = $1 and position = $2"


class CheckpointBody(Struct, frozen=True):
    """`hash` and `root` in hex; `signature`: the note's first one, in base64."""

    partition: int
    position: int
    hash: str
    root: str
    at: str
    note: str
    signature: str


class CheckpointsBody(Struct, frozen=True):
    """The newest checkpoint of each partition. `key`: the public key that signs now, as signed notes name keys."""

    checkpoints: list[CheckpointBody]
    key: str


async def get_events(asked: Asked) -> Response:
    """Sealed lines in the order of the log; other tenants' only as stubs, so that the chain can be checked."""
    wanted, named = _wanted(asked), asked.parameter("read") or asked.header("tidings-read")
    partitions = len(asked.parts.auditing.tails)
    one = asked.parameter("partition")
    after = asked.whole("after", 0, 0, LAST)
    if after and one is None and partitions > 1:
        raise invalid(Fault("partition", f"is needed beside after: there are {partitions}"))
    chosen = [asked.whole("partition", 0, 0, partitions - 1)] if one is not None else list(range(partitions))
    limit = asked.whole("limit", LINES_MAX, 1, LINES_MAX)
    follow = asked.one_of("follow", ("true", "false", "1", "0")) in {"true", "1"}
    if follow and len(chosen) > 1:
        raise invalid(Fault("partition", "is needed to follow: there are several"))
    event = AuditRead(
        what=EVENTS,
        job=wanted.stream,
        type=wanted.event_type or wanted.job_type,
        partition=None if one is None else chosen[0],
        since=time_text(wanted.since) if wanted.since else None,
        until=time_text(wanted.until) if wanted.until else None,
    )
    name = await _known_read(asked, named, event) if named else await _new_read(asked, event)
    async with asked.parts.pool.acquire() as conn:
        heads = await read.heads(conn)
    headers = {
        "Tidings-Heads": ",".join(f"{each}={heads[each]}" for each in chosen),
        "Tidings-Read": name,
        "Cache-Control": "no-store",
    }
    ends = {each: heads[each] for each in chosen}
    return StreamingResponse(_lines(asked, wanted, ends, after, limit, follow=follow), 200, headers, NDJSON)


async def _lines(
    asked: Asked, wanted: Wanted, ends: Mapping[int, int], after: int, limit: int, *, follow: bool
) -> AsyncIterator[bytes]:
    left = limit
    for partition, end in ends.items():
        position, until = after, end
        while True:
            async for page in read_lines(asked.parts.pool, replace(wanted, partition=partition), position, until):
                yield b"".join(each.line + b"\n" for each in page[:left])
                left -= len(page)
                if left <= 0:
                    return
            position = max(position, until)
            if not follow or not await asked.parts.auditing.moved(partition, position):
                break
            until = asked.parts.auditing.tails[partition].position


def _wanted(asked: Asked) -> Wanted:
    """The filters. Without any, the other tenants' lines come as stubs."""
    tenant, job, kind = (asked.parameter(name) for name in ("tenant", "job", "type"))
    if tenant is not None and tenant != asked.tenant:
        raise not_found(tenant)
    if job is not None and not is_uuid(job):
        raise invalid(Fault("job", "must be a job's id"))
    of_event = kind if kind and _EVENT_TYPE.fullmatch(kind) else None
    if kind and not of_event and not is_type_name(kind):
        raise invalid(Fault("type", "must be a type of event, such as JobFinished, or a job type"))
    since, until = asked.moment("since"), asked.moment("until")
    return Wanted(
        partition=asked.partition,
        tenant=asked.tenant,
        others=all(each is None for each in (tenant, job, kind, since, until)),
        stream=job,
        event_type=of_event,
        job_type=None if of_event else kind,
        since=since,
        until=until,
    )


async def _new_read(asked: Asked, event: AuditRead) -> str:
    """On record before it begins; the event's place names the read."""
    done = accepted(await asked.parts.jobs.do(RecordRead(tenant=asked.tenant, cause=asked.cause(), event=event)))
    return f"{done.partition}:{done.position}"


async def _known_read(asked: Asked, named: str, event: AuditRead) -> str:
    """A further page of a read that is on record: the same filters, within a day. Raises Refused (422)."""
    found = _READ_ID.fullmatch(named)
    async with asked.parts.pool.acquire() as conn:
        line = found and await _line_at(conn, int(found[1]), int(found[2]), asked.tenant)
        now = await database_now(conn)
    recorded = decode(line) if line else None
    if recorded is None or recorded.data != event or recorded.recorded_at + READ_LASTS < now:
        raise invalid(Fault("read", "must be the Tidings-Read of a read with the same filters, of the last 24 hours"))
    return named


async def _line_at(conn: Connection, partition: int, position: int, tenant: str) -> bytes | None:
    """A tenant's line, whether in the table or in an archive."""
    there = await conn.fetch(_LINE, partition, position)
    rows = there or await archived.page(conn, partition, position - 1, 1)
    return rows[0]["line"] if rows and rows[0]["tenant"] == tenant else None


async def get_checkpoint(asked: Asked) -> Response:
    """The newest signed checkpoint of each partition."""
    async with asked.parts.pool.acquire() as conn:
        found = [await checkpoints.last(conn, partition) for partition in sorted(asked.parts.auditing.tails)]
    return await _checkpoints(asked, [each for each in found if each])


async def post_checkpoint(asked: Asked) -> Response:
    """Make checkpoints of all that is in the log now."""
    try:
        made = await asked.parts.auditing.makers.make()
    except HistoryDamaged as error:
        raise refused(Problem.HISTORY_DAMAGED) from error
    return await _checkpoints(asked, made)


async def _checkpoints(asked: Asked, found: Sequence[Checkpoint]) -> Response:
    key = await asked.parts.auditing.makers.public_key()
    bodies = [
        CheckpointBody(
            partition=each.partition,
            position=each.position,
            hash=each.hash.hex(),
            root=each.root.hex(),
            at=time_text(each.at),
            note=each.note,
            signature=base64.b64encode(each.signature).decode(),
        )
        for each in found
    ]
    return answer(CheckpointsBody(bodies, str(key)), headers={"Cache-Control": "no-store"})


WHOLE = {"type": "integer", "minimum": 0}
TIME: dict[str, object] = {"type": "string", "format": "date-time"}

CALLS = (
    Call(
        method="GET",
        path="/v1/audit/events",
        handler=get_events,
        scopes=("audit",),
        summary="The log as sealed lines, in order, byte for byte",
        answers={200: NDJSON},
        query=(
            Query("partition", "Only this part of the log", WHOLE),
            Query("after", "Only what stands behind this position of the partition", WHOLE),
            Query("job", "Only this job's", {"type": "string", "format": "uuid"}),
            Query("type", "Only events of this type, or of jobs of this type"),
            Query("since", "Only what was recorded from then on", TIME),
            Query("until", "Only what was recorded before then", TIME),
            Query("tenant", "Only your own lines, without the stubs of others"),
            Query("limit", "At most so many lines", {"type": "integer", "minimum": 1}),
            Query("follow", "Go on with what is appended later", {"type": "boolean", "default": False}),
            Query("read", "A further page of the read with this Tidings-Read"),
        ),
        refuses=(Problem.INVALID, Problem.NOT_FOUND),
    ),
    Call(
        method="GET",
        path="/v1/audit/checkpoint",
        handler=get_checkpoint,
        scopes=("audit",),
        summary="The newest signed checkpoint of each partition",
        answers={200: CheckpointsBody},
    ),
    Call(
        method="POST",
        path="/v1/audit/checkpoint",
        handler=post_checkpoint,
        scopes=("audit",),
        summary="Sign what is in the log now",
        answers={200: CheckpointsBody},
        refuses=(Problem.HISTORY_DAMAGED,),
    ),
)
