"""A named point kills the process that comes to it so many times, and no other."""

import os
import signal
import subprocess
import sys

import pytest

PASSES = "from eventstore.crash_points import crash_point\nfor n in range(5): crash_point('here'); print(n, flush=True)"


@pytest.mark.parametrize(
    ("at", "code", "passed"),
    [
        ("here", -signal.SIGKILL, 0),
        ("here:3", -signal.SIGKILL, 2),
        ("here:9", 0, 5),
        ("there", 0, 5),
        ("", 0, 5),
    ],
)
def test_it_ends_the_process_at_once(at: str, code: int, passed: int) -> None:
    env = {**os.environ, "TIDINGS_CRASH_AT": at}
    ended = subprocess.run([sys.executable, "-c", PASSES], env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.split()) == (code, [str(n) for n in range(passed)])
