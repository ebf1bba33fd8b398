"""What the HTTP calls work with, made once for a process."""

from services.api.answers import Answers
from services.api.auditing import Auditing
from services.api.auth import Keys
from services.api.links import Links
from services.api.looks import Overviews
from services.api.metrics import Metrics
from services.api.screens import Screens
from services.front import asked
from services.front.passes import Passes


class Parts(asked.Parts, frozen=True, kw_only=True):
    """The parts of a running API: what every way in needs, and what HTTP alone does."""

    answers: Answers
    keys: Keys
    passes: Passes
    links: Links
    screens: Screens
    auditing: Auditing
    metrics: Metrics
    overviews: Overviews
