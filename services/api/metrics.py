"""What operators see: counters of this process, and gauges that one query reads when they are asked for."""

import contextlib
from collections import Counter as Counts
from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from eventstore.postgres import AWAY, Pool
from eventstore.relay import Report
from eventstore.standing import Fault
from projections.shadow import Shadow
from projections.verify import KEYS
from schemas.envelope import Recorded

_GAUGES = """select (select count(*) from queue where ready_at <= clock_timestamp()) as ready,
    (select count(*) from queue where ready_at > clock_timestamp()) as later,
    (select count(*) from leases) as held,
    (select coalesce(extract(epoch from clock_timestamp() - min(ready_at)), 0) from queue
        where ready_at <= clock_timestamp()) as oldest_s"""


class Metrics:
    """One registry for each app, so that several can live in one process."""

    def __init__(self, relays: Callable[[], Sequence[Report]], shadow: Callable[[], Shadow | None]) -> None:
        self._relays = relays
        self._shadow = shadow
        self._answered: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "tidings_requests", "Answered calls.", ["method", "path", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "tidings_request_seconds", "Time to the answer's beginning.", ["method", "path"], registry=self.registry
        )
        self._appends = Counter("tidings_appends", "Batches of new events seen.", registry=self.registry)
        self._events = Counter("tidings_events", "New events seen, by type.", ["type"], registry=self.registry)
        self._streams = Gauge("tidings_streams", "Open status streams.", registry=self.registry)
        self._claims = Gauge("tidings_waiting_claims", "Workers waiting for a job.", registry=self.registry)
        self._jobs = Gauge("tidings_jobs", "Jobs by what they wait for.", ["phase"], registry=self.registry)
        self._oldest = Gauge("tidings_queue_oldest_seconds", "Age of the oldest ready job.", registry=self.registry)
        self._lag = Gauge("tidings_relay_lag", "Events not yet in NATS.", ["partition"], registry=self.registry)
        self._fault = Gauge(
            "tidings_relay_state", "1: the stream in NATS is so.", ["partition", "state"], registry=self.registry
        )

        self._passes = Gauge(
            "tidings_projection_passes", "Comparisons of all projections with the log.", registry=self.registry
        )
        self._differing = Gauge(
            "tidings_projection_rows_differing",
            "Rows that are not what the log says.",
            ["table"],
            registry=self.registry,
        )
        self._spoiled = Counter(
            "tidings_projection_rows_spoiled", "Rows found spoiled, each once.", ["table"], registry=self.registry
        )
        self._told: Counts[str] = Counts()

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        found = self._answered.get((method, path, status))
        if found is None:  # one for each row of the table of calls and status: finding it by its labels costs more
            found = self._requests.labels(method, path, str(status)), self._seconds.labels(method, path)
            self._answered[method, path, status] = found
        counter, seconds_seen = found
        counter.inc()
        seconds_seen.observe(seconds)

    def appended(self, recorded: Sequence[Recorded]) -> None:
        """A subscriber of the tails."""
        self._appends.inc()
        for kind, count in Counts(event.type for event in recorded).items():
            self._events.labels(kind).inc(count)

    async def _look(self, pool: Pool) -> None:
        async with pool.acquire() as conn:
            row = await conn.fetchrow(_GAUGES)
        if row:
            for phase in ("ready", "later", "held"):
                self._jobs.labels(phase).set(row[phase])
            self._oldest.set(float(row["oldest_s"]))

    async def page(self, pool: Pool, *, streams: int, claims: int) -> Response:
        self._streams.set(streams)
        self._claims.set(claims)
        self._set_relays()
        self._set_shadow()
        with contextlib.suppress(*AWAY):  # what this process counts is told while the database is away, too
            await self._look(pool)
        return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _set_relays(self) -> None:
        """Of the partitions that this process relays now; another process tells of the others."""
        self._lag.clear()
        self._fault.clear()
        for report in self._relays():
            self._lag.labels(report.partition).set(report.lag)
            for state in ("ok", *Fault):
                self._fault.labels(report.partition, state).set(state == (report.fault or "ok"))

    def _set_shadow(self) -> None:
        """Where this process keeps the second build (role verifier)."""
        shadow = self._shadow()
        if shadow is None:
            return
        self._passes.set(shadow.passes)
        for table in KEYS:
            self._differing.labels(table).set(shadow.differing[table])
            self._spoiled.labels(table).inc(shadow.spoiled[table] - self._told[table])
        self._told = shadow.spoiled.copy()
