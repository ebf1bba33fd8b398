"""What may be said about a wait while a command is decided: an input to the decision, like the clock."""

from datetime import datetime
from typing import Protocol

from schemas.events import EstimateStated
from schemas.job import Job


class Estimates(Protocol):
    """Asked while an append is decided, so each answer takes microseconds. None: nothing can be said."""

    def accepted(self, job: Job, at: datetime) -> EstimateStated | None:
        """Of a job that is being accepted; those accepted before it in this append are in the line already."""

    def started(self, job: Job, at: datetime) -> EstimateStated | None:
        """Of a job that a worker has just taken."""

    def over(self) -> None:
        """The append's commands are all decided, whether they are committed or not."""


class Unsaid:
    """Where nothing is learnt, nothing is stated."""

    def accepted(self, _job: Job, _at: datetime) -> EstimateStated | None:
        return None

    def started(self, _job: Job, _at: datetime) -> EstimateStated | None:
        return None

    def over(self) -> None:
        pass


UNSAID = Unsaid()
