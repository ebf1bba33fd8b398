"""The state model: five words that a person sees, and the one table behind them.

`TRANSITIONS` maps (event, variant) to the phases it may come in and the phase it leads to; `VISIBLE` maps every
phase to its word. Nothing else in the code decides a state. The picture in docs/states.md is generated from here.
"""

from enum import StrEnum


class State(StrEnum):
    """What a person sees, the same for every kind of job."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_FIX = "needs_fix"
    FINISHED = "finished"
    CANCELED = "canceled"


class Phase(StrEnum):
    """What the service knows. Each phase has one visible state and its own sentence."""

    NEW = "new"  # before the first event
    REQUESTED = "requested"  # saved; JobQueued follows in the same append
    SCHEDULED = "scheduled"  # waits for its `not_before`
    READY = "ready"  # waits for a free worker
    DELAYED = "delayed"  # waits longer than it should
    RETRYING = "retrying"  # an attempt ended badly; pauses before the next
    STARTING = "starting"  # a worker has it, nothing is reported yet
    WORKING = "working"
    QUIET = "quiet"  # no proof of work for a while
    STUCK = "stuck"  # no proof of work past the type's rule
    FINALIZING = "finalizing"  # all items are done, the result is being stored
    CANCELING = "canceling"  # asked to stop, the worker has not answered yet
    ASKING = "asking"  # the worker said what a person must fix
    GAVE_UP = "gave_up"  # the last allowed attempt failed
    OVERDUE = "overdue"  # its deadline passed
    DONE = "done"
    PARTLY_DONE = "partly_done"  # the result is there, some items failed
    STOPPED = "stopped"  # canceled by somebody
    EXPIRED = "expired"  # needed a fix that never came


VISIBLE: dict[Phase, State] = {
    Phase.REQUESTED: State.QUEUED,
    Phase.SCHEDULED: State.QUEUED,
    Phase.READY: State.QUEUED,
    Phase.DELAYED: State.QUEUED,
    Phase.RETRYING: State.QUEUED,
    Phase.STARTING: State.RUNNING,
    Phase.WORKING: State.RUNNING,
    Phase.QUIET: State.RUNNING,
    Phase.STUCK: State.RUNNING,
    Phase.FINALIZING: State.RUNNING,
    Phase.CANCELING: State.RUNNING,
    Phase.ASKING: State.NEEDS_FIX,
    Phase.GAVE_UP: State.NEEDS_FIX,
    Phase.OVERDUE: State.NEEDS_FIX,
    Phase.DONE: State.FINISHED,
    Phase.PARTLY_DONE: State.FINISHED,
    Phase.STOPPED: State.CANCELED,
    Phase.EXPIRED: State.CANCELED,
}

WAITING = frozenset({Phase.SCHEDULED, Phase.READY, Phase.DELAYED, Phase.RETRYING})
CLAIMABLE = frozenset({Phase.SCHEDULED, Phase.READY, Phase.DELAYED, Phase.RETRYING})  # once `ready_at` has come
HELD = frozenset({Phase.STARTING, Phase.WORKING, Phase.QUIET, Phase.STUCK, Phase.FINALIZING, Phase.CANCELING})
LIVELY = HELD - {Phase.CANCELING}
BLOCKED = frozenset({Phase.ASKING, Phase.GAVE_UP, Phase.OVERDUE})
ENDED = frozenset({Phase.DONE, Phase.PARTLY_DONE, Phase.STOPPED, Phase.EXPIRED})
ACTIVE = WAITING | HELD | BLOCKED  # what a `while_active` repeat reopens
RETRYABLE = BLOCKED | {Phase.PARTLY_DONE, Phase.STOPPED, Phase.EXPIRED}
SAME = Phase.NEW  # as a target: the phase stays as it is

_ANY = frozenset(Phase) - {Phase.NEW}

Rule = tuple[frozenset[Phase], Phase]
TRANSITIONS: dict[tuple[str, str], Rule] = {
    ("JobRequested", ""): (frozenset({Phase.NEW}), Phase.REQUESTED),
    ("RequestRepeated", ""): (_ANY, SAME),
    ("JobQueued", "now"): (frozenset({Phase.REQUESTED, Phase.SCHEDULED, Phase.RETRYING}), Phase.READY),
    ("JobQueued", "later"): (frozenset({Phase.REQUESTED, Phase.RETRYING}), Phase.SCHEDULED),
    ("JobDelayed", ""): (frozenset({Phase.READY}), Phase.DELAYED),
    ("AttemptStarted", ""): (CLAIMABLE, Phase.STARTING),
    ("StageStarted", ""): (LIVELY, Phase.WORKING),
    ("ProgressReported", "open"): (LIVELY, Phase.WORKING),
    ("ProgressReported", "complete"): (LIVELY, Phase.FINALIZING),
    ("ItemsFailed", ""): (LIVELY, Phase.WORKING),
    ("ItemsFailed", "stopping"): (frozenset({Phase.CANCELING}), SAME),
    ("AttemptQuiet", ""): (LIVELY - {Phase.QUIET, Phase.STUCK}, Phase.QUIET),
    ("AttemptStuck", ""): (LIVELY - {Phase.STUCK}, Phase.STUCK),
    ("ResultStored", ""): (HELD, Phase.FINALIZING),
    ("JobFinished", "whole"): (frozenset({Phase.FINALIZING}), Phase.DONE),
    ("JobFinished", "partial"): (frozenset({Phase.FINALIZING}), Phase.PARTLY_DONE),
    ("NeedsFix", "asked"): (HELD, Phase.ASKING),
    ("NeedsFix", "gave_up"): (frozenset({Phase.RETRYING}), Phase.GAVE_UP),
    ("NeedsFix", "overdue"): (WAITING, Phase.OVERDUE),
    ("AttemptFailed", ""): (HELD, Phase.RETRYING),
    ("AttemptLost", ""): (HELD, Phase.RETRYING),
    ("AttemptReleased", ""): (HELD, Phase.RETRYING),
    ("RetryRequested", ""): (RETRYABLE, Phase.RETRYING),
    ("RetryScheduled", ""): (frozenset({Phase.RETRYING}), Phase.RETRYING),
    ("CancelRequested", "held"): (LIVELY, Phase.CANCELING),
    ("CancelRequested", "free"): (WAITING | BLOCKED, SAME),
    ("JobCanceled", "asked"): (WAITING | BLOCKED | {Phase.CANCELING}, Phase.STOPPED),
    ("JobCanceled", "expired"): (BLOCKED, Phase.EXPIRED),
    ("LateReportRefused", ""): (_ANY, SAME),
    ("EstimateStated", ""): (WAITING | LIVELY, SAME),
}


class ImpossibleTransition(ValueError):
    """The log holds an event that can't come in this phase: a bug of ours, never a user's mistake."""


def next_phase(phase: Phase, event: str, variant: str = "") -> Phase:
    """The phase after an event. Raises ImpossibleTransition for what can't come now."""
    rule = TRANSITIONS.get((event, variant))
    if rule is None or phase not in rule[0]:
        raise ImpossibleTransition(f"{event} {variant} can't come in phase {phase}")
    return phase if rule[1] is SAME else rule[1]


def visible(phase: Phase) -> State:
    return VISIBLE[phase]
