"""A line of waiting jobs and the work that runs before them: counters, kept in constant time for each event.

One line for each job type and one for the tenant. Types that take turns in the order of their requests share their
workers: nobody tells us which, so it is learnt from who overtakes whom.
"""

from msgspec import Struct, field

LOOKED_AT = 8  # running jobs whose rest is counted one by one
REST_LEAST = 0.25  # of the expected work: a job that runs over is not nearly done
SATURATED_S = 2.0  # who waited longer found all slots taken
SLOTS_GAIN = 0.3
PAUSE_GAIN = 0.15
PAUSE_LEAST_S, PAUSE_MAX_S = 0.01, 43_200.0


class Running(Struct, array_like=True):
    since: float
    expected: float


class Line(Struct):
    """`waiting`, `work`: how many wait and their expected seconds. `entered`: seconds of all that ever came."""

    waiting: int = 0
    work: float = 0.0
    entered: float = 0.0
    running: dict[str, Running] = field(default_factory=dict)
    running_work: float = 0.0
    slots: float = 0.0  # how many run at once while others wait
    pause: float = 0.0  # usual seconds between two starts while others wait; 0 before any was seen
    started_at: float = 0.0
    crowded: bool = False  # others waited at the last start

    def enter(self, expected: float) -> None:
        self.waiting += 1
        self.work += expected
        self.entered += expected

    def leave(self, expected: float) -> None:
        self.waiting -= 1
        self.work = max(0.0, self.work - expected) if self.waiting else 0.0

    def begin(self, job: str, at: float, expected: float, waited: float) -> None:
        self.running[job] = Running(at, expected)
        self.running_work += expected
        self.slots = slots_after(self.slots, len(self.running), saturated=self.waiting > 0 or waited > SATURATED_S)
        if waited > SATURATED_S and (self.pause or self.crowded):
            gap = max(PAUSE_LEAST_S, min(at - self.started_at, PAUSE_MAX_S))
            self.pause += (gap - self.pause) * (PAUSE_GAIN if self.pause else 1.0)
        self.started_at, self.crowded = at, self.waiting > 0

    def end(self, job: str) -> None:
        known = self.running.pop(job, None)
        if known:
            self.running_work = max(0.0, self.running_work - known.expected) if self.running else 0.0

    def rest(self, at: float) -> float:
        """Expected seconds that the running jobs still need."""
        if len(self.running) > LOOKED_AT:
            return self.running_work / 2
        rest = 0.0
        for job in self.running.values():
            left, least = job.expected - (at - job.since), REST_LEAST * job.expected
            rest += max(least, left)
        return rest


def slots_after(slots: float, running: int, *, saturated: bool) -> float:
    """How many run at once, seen again: more at once, fewer little by little and only while others wait."""
    if running > slots:
        return float(running)
    return slots + (running - slots) * SLOTS_GAIN if saturated else slots
