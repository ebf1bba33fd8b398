"""Named places where a test ends this process at once, as a power cut would, to see what the next process finds.

`TIDINGS_CRASH_AT="append.before_commit:37"` kills it when it comes to that place for the 37th time; unset, nothing.
"""

import os
import signal
from collections import Counter

_NAME, _, _TIMES = os.environ.get("TIDINGS_CRASH_AT", "").partition(":")
_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    if name == _NAME:
        _passed[name] += 1
        if _passed[name] == int(_TIMES or 1):
            os.kill(os.getpid(), signal.SIGKILL)
