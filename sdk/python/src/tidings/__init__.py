"""Start long jobs, follow them honestly, and write the workers that do them."""

from tidings._client import Client, Request
from tidings._context import Context, SyncContext
from tidings._errors import (
    BadAnswer,
    Conflict,
    Fail,
    Invalid,
    LeaseOutdated,
    NeedsFix,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Problem,
    Refused,
    Stopped,
    TidingsError,
    TookTooLong,
    TooLarge,
    Unavailable,
    Unreachable,
)
from tidings._transport import Transport
from tidings._views import Item, JobPage, JobView, RetryPlan, Upload
from tidings._worker import Worker

# fmt: off
__all__ = [
    "BadAnswer", "Client", "Conflict", "Context", "Fail", "Invalid", "Item", "JobPage", "JobView", "LeaseOutdated",
    "NeedsFix", "NotAllowed", "NotFound", "NotSignedIn", "Problem", "Refused", "Request", "RetryPlan", "Stopped",
    "SyncContext", "TidingsError", "TooLarge", "TookTooLong", "Transport", "Unavailable", "Unreachable", "Upload",
    "Worker",
]
