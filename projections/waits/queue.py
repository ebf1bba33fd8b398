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

LEVELS = 10
START = 1.0
BY_LINE = frozenset(range(4, 9))  # levels that tell from the line what is left
FREE, NEXT, FEW, SEVERAL, MANY = range(5)
_BUCKET = math.log(4)


class Outlook(Struct, frozen=True):
    """The line as one job finds it: `ahead` jobs and `work` seconds before it, on `slots`."""

    ahead: int
    work: float
    running: int
    slots: float
    pause: float

    @property
    def depth(self) -> int:
        """How deep the line is; FREE: there is a free slot and nobody before this job."""
        if self.ahead == 0:
            return FREE if self.running < round(self.slots) else NEXT
        return FEW if self.ahead < 4 else SEVERAL if self.ahead < 12 else MANY

    @property
    def drain(self) -> float:
        """Seconds until what is ahead is done."""
        return self.work / max(self.slots, 1.0)


def outlook(lines: list[Line], slots: float, at: float) -> Outlook:
    """The end of a line that several types share."""
    starts = sum(1 / max(line.pause, 0.1) for line in lines)
    return Outlook(
        ahead=sum(line.waiting for line in lines),
        work=sum(line.work + line.rest(at) for line in lines),
        running=sum(len(line.running) for line in lines),
        slots=slots,
        pause=1 / starts,
    )


def opinions(
    kind: int, tenant: int, owner: str, size: float | None, shared: Outlook, own: Outlook, whole: Outlook
) -> list[Opinion]:
    """`shared`: the line of all types with the same workers; `own`: of this type; `whole`: of the tenant."""
    depth = shared.depth
    bucket = round(log_size(size) / _BUCKET)
    found: list[Opinion] = [
        (0, f"{kind} q0 {depth} {bucket}", 0, 40),
        (1, f"{kind} q1 {depth}", 0, 60),
        (2, f"{kind} q2 {min(depth, FEW)} {owner}", 0, 24),
        (3, f"{kind} q3", 0, 100),
    ]
    if depth is not FREE:
        drain = log_of(shared.drain)
        found += [
            (4, f"{kind} q4 {depth}", drain, 80),
            (5, f"{kind} q5", drain, 20),
            (6, f"{tenant} q6 {depth}", drain, 150),
            (7, f"{kind} q7 {depth}", log_of(own.drain), 40),
        ]
        if shared.ahead:
            found.append((8, f"{kind} q8 {depth}", log_of(shared.pause * (shared.ahead + 1)), 40))
    if whole.depth is not FREE:
        crowd = 0 if whole.ahead == 0 else 1 if whole.ahead < 10 else 2
        found.append((9, f"{kind} q9 {crowd} {bucket}", log_of(whole.drain), 40))
    return found
