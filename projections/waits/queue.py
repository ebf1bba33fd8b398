"""How long a job waits for its start: work ahead ÷ slots, depth × usual pause, and what jobs met in like moments.

The first two are what a first-come line does (Ibrahim and Whitt, "Real-time delay estimation in overloaded multiserver
queues with abandonments", 2009); how far reality is from them is learnt like everything else.
"""

import math

from msgspec import Struct

from projections.waits.curve import log_size
from projections.waits.experts import PRIOR, Opinion
from projections.waits.line import Line
from projections.waits.windows import UNIT, log_of

LEVELS = PRIOR + 1
MET, CROWD, CROWD_FREE, BY_LINE = 3, 6, 7, 8  # first levels: before MET of a free slot, from BY_LINE by what is left
START = 1.0
FREE, NEXT, FEW, MANY = range(4)
FEW_MOST = 4.0  # typical jobs before this one
_BUCKET = math.log(4)


class Outlook(Struct, frozen=True):
    """The line as one job finds it: `ahead` jobs before it that need `queued` seconds, `rest` of those that run."""

    ahead: int
    queued: float
    rest: float
    running: int
    slots: float
    pause: float
    typical: float = 60.0  # seconds of a job

    @property
    def depth(self) -> int:
        """How deep the line is, by the work in it. FREE: there is a free slot and nobody before this job."""
        if self.ahead == 0:
            return FREE if self.running < round(self.slots) else NEXT
        return FEW if self.queued < FEW_MOST * self.typical else MANY

    @property
    def drain(self) -> float:
        """Seconds until what is ahead is done."""
        return (self.queued + self.rest) / max(self.slots, 1.0)

    def at_most(self, depth: int) -> float:
        """The longest drain that a line of a lower depth can have, all else as here."""
        most = 0.0 if depth <= NEXT else FEW_MOST * self.typical
        return (min(self.queued, most) + self.rest) / max(self.slots, 1.0)


def outlook(lines: list[Line], slots: float, at: float, typical: float = 60.0) -> Outlook:
    """The end of a line that several types share."""
    waiting, queued, rest, busy = 0, 0.0, 0.0, 0
    for line in lines:
        waiting += line.waiting
        queued += line.work
        rest += line.rest(at)
        busy += len(line.running)
    return Outlook(waiting, queued, rest, busy, slots, pause(lines), typical)


def pause(lines: list[Line]) -> float:
    """Usual seconds between two starts in any of these lines; 0 where none is known."""
    starts = sum(1 / max(line.pause, 0.1) for line in lines if line.pause)
    return 1 / starts if starts else 0.0


Pace = tuple[float, float, float]  # slots of the shared line, of the type's own, of the tenant's
_PACES = {BY_LINE: 0, BY_LINE + 1: 0, BY_LINE + 2: 1, PRIOR: 0, CROWD: 2, CROWD_FREE: 2}  # what a level goes by


def at_pace(opinions: list[Opinion], before: Pace, now: Pace) -> list[Opinion]:
    """As if the pace of now had been known then, or what was wrong with it would be learnt twice."""
    if before == now:
        return opinions
    moved = [round(UNIT * math.log(max(old, 1.0) / max(new, 1.0))) for old, new in zip(before, now, strict=True)]
    return [
        (level, key, max(0, centre + moved[_PACES[level]]) if level in _PACES else centre, size)
        for level, key, centre, size in opinions
    ]


class Stand(Struct):
    """Where one job stands. `shared`: in the line of all types with the same workers; `own`: of its type; `whole`: of
    its tenant. `here`: the opinions on it at its depth, once they were asked.
    """

    kind: int
    tenant: int
    owner: str
    size: float | None
    shared: Outlook
    own: Outlook
    whole: Outlook
    here: list[Opinion] | None = None

    def opinions(self, depth: int) -> list[Opinion]:
        """As if the line had this depth, at most that of the shared line."""
        if depth != self.shared.depth:
            return self._opinions(depth)
        if self.here is None:
            self.here = self._opinions(depth)
        return self.here

    def _opinions(self, depth: int) -> list[Opinion]:
        kind, shared = self.kind, self.shared
        bucket = round(log_size(self.size) / _BUCKET)
        met = 0 if depth is FREE else MET  # what is right of a free slot says nothing of a line
        found: list[Opinion] = [
            (met, f"{kind} q0 {depth} {bucket}", 0, 40),
            (met + 1, f"{kind} q1 {depth}", 0, 60),
            (met + 2, f"{kind} q2 {depth} {self.owner}", 0, 24),
        ]
        if depth is not FREE:
            drain = log_of(shared.drain if depth == shared.depth else shared.at_most(depth))
            found += [
                (BY_LINE, f"{kind} q4 {depth}", drain, 80),
                (BY_LINE + 1, f"{self.tenant} q5 {depth}", drain, 150),
                (BY_LINE + 2, f"{kind} q6 {depth}", log_of(self.own.drain), 40),
                (PRIOR, f"{kind} q8 {depth}", drain, 1),  # or a shorter line would answer for one that was not met
            ]
            if depth is not NEXT and shared.pause:
                found.append((BY_LINE + 3, f"{kind} q7 {depth}", log_of(shared.pause * (shared.ahead + 1)), 40))
        if self.whole.depth is not FREE:
            found.append((CROWD if met else CROWD_FREE, f"{kind} q3 {met} {bucket}", log_of(self.whole.drain), 40))
        return found
