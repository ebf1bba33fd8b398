"""Start long jobs, follow them honestly, and write the workers that do them."""

# isort: off
# fmt: off
from tidings._client import Client, Rejection, Request
from tidings._context import Context, SyncContext
from tidings._errors import (
    BadAnswer, Conflict, Fail, Invalid, LeaseOutdated, NeedsFix, NotAllowed, NotCarried, NotFound, NotSignedIn, Problem,
    Refused, Stopped, TidingsError, TooLarge, TookTooLong, Unavailable, Unreachable,
)
from tidings._nats import NatsTransport
from tidings._transport import Transport
from tidings._views import Item, JobPage, JobView, RetryPlan, Upload
from tidings._worker import Worker

__all__ = [
    "BadAnswer", "Client", "Conflict", "Context", "Fail", "Invalid", "Item", "JobPage", "JobView", "LeaseOutdated",
    "NatsTransport", "NeedsFix", "NotAllowed", "NotCarried", "NotFound", "NotSignedIn", "Problem", "Refused",
    "Rejection", "Request", "RetryPlan", "Stopped", "SyncContext", "TidingsError", "TooLarge", "TookTooLong",
    "Transport", "Unavailable", "Unreachable", "Upload", "Worker",
]
