"""How long work of a kind usually gives no sign, learnt for each stage: what tells quiet from slow.

A sign is proof of work: a stage, progress, failed items, the end. Of each stage of a job that finished, its longest
silence is kept. Work that failed or was lost teaches nothing, or the stuck would make stuck usual.
"""

from msgspec import Struct, field

from projections.waits.windows import Window, log_of, seconds_of
from schemas import events as e
from schemas.envelope import Recorded

LEARNT = 12  # silences of a stage before they are a rule
MEMORY = 64
STAGES_MAX = 50  # of one job type
TAIL = 0.05  # of the silences are longer than what is usual
LONGER = 2.0  # times the usual: then it is quiet
FLOOR_S, MOST_S = 30.0, 86_400.0


class Silence(Struct):
    """Of one attempt: when its last sign came, and the longest silence of each stage so far, in log time."""

    kind: str
    sign: float
    stage: str = ""  # before the first stage
    longest: dict[str, int] = field(default_factory=dict)

    def hear(self, now: float) -> None:
        before = self.longest.get(self.stage, 0)
        self.longest[self.stage] = max(before, log_of(now - self.sign))
        self.sign = now


class Signs(Struct):
    """`kinds`: windows of longest silences by job type and stage. `live`: attempts at work."""

    kinds: dict[str, dict[str, Window]] = field(default_factory=dict)
    live: dict[str, Silence] = field(default_factory=dict)

    def hear(self, tenant: str, name: str, recorded: Recorded) -> None:
        """Take in one event of a job of this type, in constant time."""
        job, event, now = recorded.stream, recorded.data, recorded.recorded_at.timestamp()
        match event:
            case e.AttemptStarted():
                self.live[job] = Silence(_key(tenant, name), now)
            case e.StageStarted() if silence := self.live.get(job):
                silence.hear(now)
                silence.stage = event.stage
            case e.ProgressReported() | e.ItemsFailed() | e.ResultStored() if silence := self.live.get(job):
                silence.hear(now)
            case e.JobFinished() if silence := self.live.pop(job, None):
                silence.hear(now)
                self._learn(silence)
            case e.AttemptFailed() | e.AttemptLost() | e.AttemptReleased() | e.NeedsFix() | e.JobCanceled():
                self.live.pop(job, None)
            case _:
                pass

    def _learn(self, silence: Silence) -> None:
        stages = self.kinds.setdefault(silence.kind, {})
        for stage, longest in silence.longest.items():
            if stage in stages or len(stages) < STAGES_MAX:
                stages.setdefault(stage, Window(MEMORY)).add(longest)

    def quiet_after(self, tenant: str, name: str) -> dict[str, float]:
        """Seconds without a sign after which an attempt of this type is quiet, for each stage that is known well."""
        found: dict[str, float] = {}
        for stage, window in self.kinds.get(_key(tenant, name), {}).items():
            spread = window.usual(TAIL) if len(window.recent) >= LEARNT else None
            if spread:
                found[stage] = float(round(max(FLOOR_S, min(MOST_S, LONGER * seconds_of(spread[1])))))
        return found


def _key(tenant: str, name: str) -> str:
    return f"{tenant} {name}"
