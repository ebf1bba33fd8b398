"""All that was learnt, and the jobs now waiting and running: one value, written the same way by live and rebuild."""

import msgspec
from msgspec import Struct, field

from projections.waits import queue, work
from projections.waits.curve import Curve
from projections.waits.experts import Opinion, Shelf
from projections.waits.line import Line
from projections.waits.promise import UNTRIED, Promise, Stated
from projections.waits.windows import Window, made, plain

TURNS_MAX = 4_000  # pairs of types in a tenant
KNOWN_MAX = 5_000  # jobs that ended lately and may be retried


class Learned(Struct):
    """One duration of one kind: scores by level, outcomes so far, and how its answers hold."""

    levels: list[float]
    outcomes: int = 0


class Probe(Struct, array_like=True):
    """One waiting job that was told anew, as a screen is: what, when, and how deep it stood."""

    depth: int
    at: float
    stated: Stated


class Told(Struct, array_like=True):
    """What the last job that came was told. Until the line is another one, its like in the burst are told the same.

    `work`: seconds of the line before it; `outcomes`: of the kind's waits and works by then.
    """

    owner: str
    size: float | None
    at: float
    work: float
    outcomes: tuple[int, int]
    expected: float
    took: tuple[float, float] | None
    stated: tuple[Stated | None, Stated | None, Stated | None]  # its wait, its work, and both


class Kind(Struct):
    """One job type of one tenant. `mates`: the types that take turns with it, itself first."""

    number: int
    mates: list[str]
    queue: Learned = field(default_factory=lambda: Learned([queue.START] * queue.LEVELS))
    work: Learned = field(default_factory=lambda: Learned([work.START] * work.LEVELS))
    failed: Window = field(default_factory=lambda: Window(100))  # log seconds until a run failed
    curve: Curve = field(default_factory=Curve)
    line: Line = field(default_factory=Line)
    order: list[str] = field(default_factory=list)  # who waits, as they came; those that left are dropped when met
    first: int = 0
    slots: float = 0.0  # of the shared line
    usual_ahead: float = 0.0  # jobs that a new one usually finds before it
    waits: list[Promise] = field(
        default_factory=lambda: [Promise(trust=UNTRIED, shown=False) for _ in range(queue.FEW + 1)]
    )
    later: list[Promise] = field(  # what restating adds, by depth; who still waits met a line slower than usual
        default_factory=lambda: [Promise(high=100.0) for _ in range(queue.MANY + 1)]
    )
    probes: dict[str, Probe] = field(default_factory=dict)  # by job
    told: Told | None = None
    works: Promise = field(default_factory=Promise)
    works_at_start: Promise = field(default_factory=Promise)
    works_later: Promise = field(default_factory=Promise)  # what restating adds, while it works
    works_passed: Promise = field(default_factory=Promise)  # the same where the low end has passed
    totals: Promise = field(default_factory=Promise)


class Turn(Struct, array_like=True):
    """Of two types: how often the one that asked first also started first."""

    share: float
    seen: int


class Tenant(Struct):
    number: int
    kinds: dict[str, Kind] = field(default_factory=dict)
    line: Line = field(default_factory=Line)
    waiting: dict[str, int] = field(default_factory=dict)  # types of which jobs wait, and how many
    turns: dict[str, Turn] = field(default_factory=dict)


class Live(Struct, array_like=True):
    """A job that has not ended. `entered`: what had come to its lines, itself included, when it came."""

    tenant: str
    type: str
    owner: str
    size: float | None
    since: float = 0.0  # when it could start; event time in seconds
    started: float | None = None
    waiting: bool = False
    retried: bool = False  # not the first attempt of a whole run: nothing is learnt from it
    expected: float = 0.0
    lines: list[str] = field(default_factory=list)
    entered: float = 0.0
    depth: int = 0  # of the line that it found
    opinions: list[Opinion] | None = None
    pace: queue.Pace = (0.0, 0.0, 0.0)  # by which they went
    queue: Stated | None = None
    work: Stated | None = None
    work_at_start: Stated | None = None
    took: tuple[float, float] | None = None  # log time of the work as it was stated, before any promise
    taught: int = -1  # outcomes of its kind's work by then: with none since, the same is said at the start
    total: Stated | None = None


class State(Struct):
    """`position`: of the last event taken in, by partition order."""

    slots: float = 0.0  # a first guess of how many run at once; 0: none
    numbers: int = 0
    tenants: dict[str, Tenant] = field(default_factory=dict)
    live: dict[str, Live] = field(default_factory=dict)
    ended: dict[str, Live] = field(default_factory=dict)
    siblings: dict[str, int] = field(default_factory=dict)  # waiting jobs by kind and owner
    shelf: Shelf = field(default_factory=Shelf)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


_encoder = msgspec.msgpack.Encoder(enc_hook=plain)
_decoder = msgspec.msgpack.Decoder(State, dec_hook=made)


def encode(state: State) -> bytes:
    return _encoder.encode(state)


def decode(raw: bytes) -> State:
    return _decoder.decode(raw)
