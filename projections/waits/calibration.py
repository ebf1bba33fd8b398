"""How the stated waits held: each statement on record is judged when the truth is known, and counted by job type.

An async projection of the log: what is open is kept by job, what is known is kept by type, so that a report reads a
row and scans nothing. Only a job's first try is judged: the promise is of those that finish.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct, field

from eventstore.postgres import Connection
from eventstore.remembered import forget_oldest
from projections.waits.judge import STRETCH
from projections.waits.moment import ACCEPTED, STARTED
from schemas import events as e
from schemas.envelope import Recorded
from schemas.events import Bounds

QUEUE, WORK, TOTAL, WORK_AT_START = "queue", "work", "total", "work_at_start"
QUEUE_SHOWN, WORK_SHOWN = "queue_shown", "work_shown"  # restated to somebody who watched
PARTS = (QUEUE, WORK, TOTAL, WORK_AT_START, QUEUE_SHOWN, WORK_SHOWN)
OPEN_MAX = 10_000  # in memory, of each partition
RECENT = 40  # answers of each part that a plot shows
_LAST = (1 << STRETCH) - 1

_OPEN = "select job::text, doc from waits_open where partition = $1 and job = any ($2::uuid[])"
_PUT_OPEN = """insert into waits_open (partition, job, doc) select $1, * from unnest($2::uuid[], $3::bytea[])
    on conflict (partition, job) do update set doc = excluded.doc"""
_DROP_OPEN = "delete from waits_open where partition = $1 and job = any ($2::uuid[])"
_HELD = """select tenant, type, doc from waits_held
    where partition = $1 and (tenant, type) in (select * from unnest($2::text[], $3::text[]))"""
_PUT_HELD = """insert into waits_held (partition, tenant, type, doc)
    select $1, * from unnest($2::text[], $3::text[], $4::bytea[])
    on conflict (partition, tenant, type) do update set doc = excluded.doc"""
_REPORT = "select type, doc from waits_held where partition = $1 and tenant = $2 order by type"

Kind = tuple[str, str]
Seen = tuple[float | None, float, float]


class Said(Struct, frozen=True, omit_defaults=True):
    """What one statement said, and when (event time in seconds)."""

    at: float
    queue: Bounds | None = None
    work: Bounds | None = None
    total: Bounds | None = None


class Open(Struct, omit_defaults=True):
    """A job on its first try: what was stated, and when it started."""

    tenant: str
    type: str
    accepted: Said | None = None
    shown: Said | None = None  # the last one since it was accepted or started
    started_at: float | None = None
    started: Said | None = None


class Tally(Struct, omit_defaults=True):
    """The counts of one part. `last`: the newest ranges as bits, in hex; `widths`: high ÷ low in tenths.

    `recent`: (low, high, what came) of the newest ranges and bounds, in seconds.
    """

    answers: int = 0
    ranges: int = 0
    bounds: int = 0
    held: int = 0
    below: int = 0
    above: int = 0
    bounds_held: int = 0
    widths: dict[int, int] = field(default_factory=dict)
    last: str = "0"
    worst: int | None = None
    recent: list[Seen] = field(default_factory=list)

    def count(self, said: Bounds | None, seconds: float) -> None:
        self.answers += 1
        if said is None:
            return
        self.recent.append((said.low_s, said.high_s, round(seconds, 1)))
        del self.recent[:-RECENT]
        if said.low_s is None:
            self.bounds += 1
            self.bounds_held += seconds <= said.high_s
            return
        self.ranges += 1
        held = said.low_s <= seconds <= said.high_s
        self.held += held
        self.below += seconds < said.low_s
        self.above += seconds > said.high_s
        width = round(10 * said.high_s / max(1, said.low_s))
        self.widths[width] = self.widths.get(width, 0) + 1
        last = (int(self.last, 16) << 1 | held) & _LAST
        self.last = f"{last:x}"
        if self.ranges >= STRETCH:
            kept = last.bit_count()
            self.worst = kept if self.worst is None else min(self.worst, kept)

    def median_width(self) -> float | None:
        seen = 0
        for width in sorted(self.widths):
            seen += self.widths[width]
            if 2 * seen >= self.ranges:
                return width / 10
        return None


Tallies = dict[str, Tally]

_open = msgspec.json.Decoder(Open)
_tallies = msgspec.json.Decoder(Tallies)
_encoder = msgspec.json.Encoder()


class Calibration:
    """The projection; run by `projections.runner`.

    What is open is kept in memory too, for as long as this process takes in page after page without a gap. Whatever
    goes wrong with one, its events come again, and all is read again.
    """

    name = "waits"

    def __init__(self) -> None:
        self._open: dict[int, dict[str, Open]] = {}  # by partition
        self._upto: dict[int, int] = {}

    async def apply(self, conn: Connection, partition: int, recorded: Sequence[Recorded]) -> None:
        if not recorded:
            return
        if self._upto.pop(partition, None) != recorded[0].position - 1:
            self._open[partition] = {}
        page = Page(self._open[partition])
        judged = [each for each in recorded if type(each.data) in STEPS]
        await self._find(conn, partition, page, judged)
        for each in judged:
            page.take(each)
        await self._keep(conn, partition, page)
        forget_oldest(page.open, OPEN_MAX)
        self._upto[partition] = recorded[-1].position

    async def _find(self, conn: Connection, partition: int, page: "Page", judged: Sequence[Recorded]) -> None:
        """Read what is open and not in memory."""
        begun = {each.stream for each in judged if isinstance(each.data, e.JobRequested)}
        unknown = {each.stream for each in judged} - begun - page.open.keys()
        rows = await conn.fetch(_OPEN, partition, list(unknown)) if unknown else ()
        page.open |= {row["job"]: _open.decode(row["doc"]) for row in rows}

    async def _keep(self, conn: Connection, partition: int, page: "Page") -> None:
        put = [job for job in page.changed if job in page.open]
        drop = [job for job in page.changed if job not in page.open]
        if put:
            docs = [_encoder.encode(page.open[job]) for job in put]
            await conn.execute(_PUT_OPEN, partition, put, docs)
        if drop:
            await conn.execute(_DROP_OPEN, partition, drop)
        if not page.came:
            return
        kinds = list({(tenant, name) for tenant, name, *_ in page.came})
        tenants, names = [tenant for tenant, _ in kinds], [name for _, name in kinds]
        rows = await conn.fetch(_HELD, partition, tenants, names)
        held: dict[Kind, Tallies] = {(row["tenant"], row["type"]): _tallies.decode(row["doc"]) for row in rows}
        for tenant, name, part, said, seconds in page.came:
            held.setdefault((tenant, name), {}).setdefault(part, Tally()).count(said, seconds)
        await conn.execute(_PUT_HELD, partition, tenants, names, [_encoder.encode(held[kind]) for kind in kinds])


class Page:
    """A batch of events against what is open. `came`: what is judged now: (tenant, type, part, said, seconds)."""

    def __init__(self, open_: dict[str, Open]) -> None:
        self.open = open_
        self.changed: dict[str, None] = {}
        self.came: list[tuple[str, str, str, Bounds | None, float]] = []

    def take(self, recorded: Recorded) -> None:
        event, at = recorded.data, recorded.recorded_at.timestamp()
        if isinstance(event, e.JobRequested):
            self.open[recorded.stream] = Open(recorded.tenant, event.type)
            self.changed[recorded.stream] = None
            return
        job = self.open.get(recorded.stream)
        if job is None:
            return
        match event:
            case e.EstimateStated():
                _state(job, event, at)
            case e.AttemptStarted():
                self._started(job, at)
            case e.JobFinished():
                self._finished(job, at)
                del self.open[recorded.stream]
            case _:  # the try ended otherwise: nobody was promised how long that takes
                del self.open[recorded.stream]
        self.changed[recorded.stream] = None

    def _started(self, job: Open, at: float) -> None:
        accepted, shown = job.accepted, job.shown
        self._came(job, QUEUE, accepted.queue if accepted else None, at - accepted.at if accepted else 0.0)
        if shown:
            self._came(job, QUEUE_SHOWN, shown.queue, at - shown.at)
        job.started_at, job.shown = at, None

    def _finished(self, job: Open, at: float) -> None:
        if job.started_at is None:
            return
        accepted, started, shown = job.accepted, job.started, job.shown
        took = at - job.started_at
        self._came(job, WORK, accepted.work if accepted else None, took)
        self._came(job, TOTAL, accepted.total if accepted else None, at - accepted.at if accepted else 0.0)
        self._came(job, WORK_AT_START, started.work if started else None, took)
        if shown:
            self._came(job, WORK_SHOWN, shown.work, took)

    def _came(self, job: Open, part: str, said: Bounds | None, seconds: float) -> None:
        self.came.append((job.tenant, job.type, part, said, seconds))


def _state(job: Open, event: e.EstimateStated, at: float) -> None:
    said = Said(at, event.queue, event.work, event.total)
    if event.when == ACCEPTED:
        job.accepted = said
    elif event.when == STARTED:
        job.started = said
    else:
        job.shown = said


STEPS: frozenset[type[e.Event]] = frozenset(
    {
        e.JobRequested,
        e.EstimateStated,
        e.AttemptStarted,
        e.JobFinished,
        e.AttemptFailed,
        e.AttemptLost,
        e.AttemptReleased,
        e.NeedsFix,
        e.JobCanceled,
    }
)


class PartReport(Struct, frozen=True, kw_only=True):
    """Shares of 1, null where nothing was said. `width`: median high ÷ low; `worst_stretch`: of 200 ranges in a row."""

    what: str
    answers: int
    ranges: float
    bounds: float
    none: float
    held: float | None
    below: float | None
    above: float | None
    bounds_held: float | None
    width: float | None
    worst_stretch: float | None
    recent: list[Seen]  # (low, high, what came) in seconds, oldest first; low is null of a bound


class TypeReport(Struct, frozen=True):
    """How the stated waits of one job type held."""

    type: str
    parts: list[PartReport]


async def report(conn: Connection, partition: int, tenant: str) -> list[TypeReport]:
    """Of each job type of a tenant; reads what is counted."""
    rows = await conn.fetch(_REPORT, partition, tenant)
    return [TypeReport(row["type"], list(_parts(_tallies.decode(row["doc"])))) for row in rows]


def _parts(tallies: Tallies) -> Iterable[PartReport]:
    for what in PARTS:
        tally = tallies.get(what)
        if tally is None:
            continue
        yield PartReport(
            what=what,
            answers=tally.answers,
            ranges=tally.ranges / tally.answers,
            bounds=tally.bounds / tally.answers,
            none=1 - (tally.ranges + tally.bounds) / tally.answers,
            held=_share(tally.held, tally.ranges),
            below=_share(tally.below, tally.ranges),
            above=_share(tally.above, tally.ranges),
            bounds_held=_share(tally.bounds_held, tally.bounds),
            width=tally.median_width(),
            worst_stretch=None if tally.worst is None else tally.worst / STRETCH,
            recent=tally.recent,
        )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
