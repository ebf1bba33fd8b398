"""What the bench is held against: each aim compares one row with another of the same run, or with a figure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct


class Aim(Struct, frozen=True):
    """`row` should be at least (or, for a time or a size, at most) `factor` times the best of `of`, or `factor` itself.

    A name that ends in `*` stands for every row that begins so.
    """

    row: str
    factor: float
    of: tuple[str, ...] = ()
    most: bool = False  # less is better


class Verdict(Struct, frozen=True):
    """`limit`, `ratio`: None where the aim is a plain figure. `reached`: None where a row is missing."""

    aim: str
    row: str
    value: float | None
    limit: float | None
    ratio: float | None
    reached: bool | None


GROWN = 0.85
GROWN_ROWS = (
    "submits: new jobs", "submits: one click repeated", "submits: batches of 500", "GET of a job", "work: drain",
)  # fmt: skip
AIMS = (
    Aim("submits: new jobs", 0.6, ("limit: empty FastAPI POST",)),
    Aim("submits: new jobs", 2.0, ("limit: home-made jobs table, POST",)),
    Aim("submits: new jobs", 1.5, ("peer *: enqueue",)),
    Aim("submits: new jobs", 0.3, ("limit: durable inserts, 16 asyncpg",)),
    Aim("submits: one click repeated", 1.0, ("submits: new jobs",)),
    Aim("submits: batches of 500", 0.5, ("limit: durable inserts, pgbench, 64 clients",)),
    Aim("work: drain", 3000),
    Aim("work: drain", 1.5, ("peer graphile-worker: drain",)),
    Aim("work: drain", 3.0, ("peer DBOS: drain",)),
    Aim("work: submit's answer to handler, idle, p50", 4, most=True),
    Aim("work: submit's answer to handler, idle, p99", 12, most=True),
    Aim("live: commit to SSE, p50", 8, most=True),
    Aim("live: commit to SSE, p99", 30, most=True),
    Aim("GET of a job", 1.0, ("limit: empty FastAPI GET",)),
    Aim("GET while submits run, p99", 20, most=True),
    Aim("live: memory of a screen", 40, most=True),
    Aim("live: changes with many screens", 2000),
    Aim("relay: catch-up, hurried", 30_000),
    Aim("relay: catch-up, hurried", 0.4, ("relay: plain pipelined publishing, hurried",)),
    Aim("audit: verify", 0.5, ("audit: plain SELECT",)),
    Aim("audit: status rebuild", 25_000),
    *(Aim(f"grown: {row}", GROWN, (row,)) for row in GROWN_ROWS),
    Aim("memory: up, idle", 250, most=True),
    Aim("memory: nats-server, for each job", 0.5, most=True),
    Aim("durations: up, ready when new", 10, most=True),
    Aim("durations: up, ready again", 5, most=True),
    Aim("durations: up, ended after SIGTERM", 15, most=True),
    Aim("durations: a command starts", 1, most=True),
    Aim("waits: an event learnt", 50, most=True),
    Aim("waits: 100,000 jobs replayed", 30, most=True),
    Aim("waits: 1,000 pairs, as bytes", 30, most=True),
    Aim("waits: 1,000 pairs, in memory", 30, most=True),
    Aim("waits: start to the right text, p99", 2000, most=True),
)


def judge(medians: Mapping[str, float], aims: Sequence[Aim] = AIMS) -> list[Verdict]:
    return [_judged(aim, medians) for aim in aims]


def _judged(aim: Aim, medians: Mapping[str, float]) -> Verdict:
    value = medians.get(aim.row)
    wanted = f"{'≤' if aim.most else '≥'} {aim.factor:g}"
    if not aim.of:
        reached = None if value is None else value <= aim.factor if aim.most else value >= aim.factor
        return Verdict(wanted, aim.row, value, None, None, reached)
    beside = [found for name, found in medians.items() if any(_named(name, of) for of in aim.of)]
    text = f"{wanted} × {', '.join(aim.of)}"
    if value is None or not beside:
        return Verdict(text, aim.row, value, None, None, None)
    limit = max(beside)
    ratio = value / limit if limit else float("inf")
    return Verdict(text, aim.row, value, limit, ratio, ratio <= aim.factor if aim.most else ratio >= aim.factor)


def _named(name: str, of: str) -> bool:
    before, star, after = of.partition("*")
    return name.startswith(before) and name.endswith(after) if star else name == of
