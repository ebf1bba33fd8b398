"""How long a job waits for its start: work ahead ÷ slots, depth × usual pause, and what jobs met in like moments.

The first two are what a first-come line does (Ibrahim and Whitt, "Real-time delay estimation in overloaded multiserver
queues with abandonments", 2009); how far reality is from them is learnt like everything else.
"""

import math

from msgspec import Struct

from projections.waits.curve import log_size
from projections.waits.experts import Opinion
from projections.waits.line import Line
from projections.waits.windows import log_of

LEVELS = 12
MET, CROWD, CROWD_FREE, BY_LINE = 3, 6, 7, 8  # first levels: before MET of a free slot, from BY_LINE by what is left
START = 1.0
FREE, NEXT, FEW, MANY = range(4)
UNSEEN = 900  # log time on each side of a line that was not met yet
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
    waiting, queued, rest, busy, starts = 0, 0.0, 0.0, 0, 0.0
    for line in lines:
        waiting += line.waiting
        queued += line.work
        rest += line.rest(at)
        busy += len(line.running)
        starts += 1 / max(line.pause, 0.1)
    return Outlook(waiting, queued, rest, busy, slots, 1 / starts, typical)


class Stand(Struct):
    """Where one job stands. `shared`: in the line of all types with the same workers; `own`: of its type; `whole`: of
    its tenant.
    """

    kind: int
    tenant: int
    owner: str
    size: float | None
    shared: Outlook
    own: Outlook
    whole: Outlook

    def unseen(self, depth: int) -> tuple[float, float] | None:
        """Log seconds in a line of a depth that was not met yet: what is ahead ÷ slots, give or take.

        A shorter line must not answer for it, or the last of a burst is told what the first was.
        """
        if depth is FREE:
            return None
        drain = log_of(self._drain(depth))
        return drain - UNSEEN, drain + UNSEEN

    def _drain(self, depth: int) -> float:
        return self.shared.drain if depth == self.shared.depth else self.shared.at_most(depth)

    def opinions(self, depth: int) -> list[Opinion]:
        """As if the line had this depth, at most that of the shared line."""
        kind, shared = self.kind, self.shared
        bucket = round(log_size(self.size) / _BUCKET)
        met = 0 if depth is FREE else MET  # what is right of a free slot says nothing of a line
        found: list[Opinion] = [
            (met, f"{kind} q0 {depth} {bucket}", 0, 40),
            (met + 1, f"{kind} q1 {depth}", 0, 60),
            (met + 2, f"{kind} q2 {depth} {self.owner}", 0, 24),
        ]
        if depth is not FREE:
            drain = log_of(self._drain(depth))
            found += [
                (BY_LINE, f"{kind} q4 {depth}", drain, 80),
                (BY_LINE + 1, f"{self.tenant} q5 {depth}", drain, 150),
                (BY_LINE + 2, f"{kind} q6 {depth}", log_of(self.own.drain), 40),
            ]
            if depth is not NEXT:
                found.append((BY_LINE + 3, f"{kind} q7 {depth}", log_of(shared.pause * (shared.ahead + 1)), 40))
        if self.whole.depth is not FREE:
            found.append((CROWD if met else CROWD_FREE, f"{kind} q3 {met} {bucket}", log_of(self.whole.drain), 40))
        return found
