"""What the HTTP calls work with, made once for a process."""

from typing import TYPE_CHECKING

from services.api.auth import Keys
from services.api.links import Links
from services.api.metrics import Metrics
from services.api.screens import Screens
from services.front import asked

if TYPE_CHECKING:
    from services.api.audit import Auditing
    from services.api.passes import Passes  # it has a call, and calls work with these parts


class Parts(asked.Parts, frozen=True, kw_only=True):
    """The parts of a running API: what every way in needs, and what HTTP alone does."""

    keys: Keys
    passes: "Passes"
    links: Links
    screens: Screens
    auditing: "Auditing"
    metrics: Metrics
