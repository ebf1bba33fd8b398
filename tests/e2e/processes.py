"""Starting the real commands as processes, watching what they print, and counting what they leave behind."""

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import psutil

ROOT = Path(__file__).parents[2]
TIDINGS = Path(sys.executable).parent / "tidings"
WAIT_S = 30


def environment(**more: str) -> dict[str, str]:
    """Ours without the settings that this shell may have."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")} | more


class Process:
    """A command of ours that runs on, its first line of JSON read, its words on stderr watched."""

    def __init__(self, *command: str, **env: str) -> None:
        self.popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self.popen.pid
        self.words: list[str] = []
        self._heard: Queue[str | None] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self.popen.stdout
        first = self.popen.stdout.readline()
        assert first, f"it never was ready: {self.rest_of_words()}"
        self.ready: dict[str, str] = json.loads(first)

    def _listen(self) -> None:
        assert self.popen.stderr
        for line in self.popen.stderr:
            self._heard.put(line)
        self._heard.put(None)

    def rest_of_words(self) -> str:
        self.popen.wait(WAIT_S)
        with contextlib.suppress(Exception):
            while line := self._heard.get(timeout=1):
                self.words.append(line)
        return "".join(self.words)

    def hear(self, said: Callable[[str], bool]) -> str:
        """Wait for a line on stderr."""
        while line := self._heard.get(timeout=WAIT_S):
            self.words.append(line)
            if said(line):
                return line
        raise AssertionError(f"it ended without saying it: {''.join(self.words)}")

    def children(self) -> dict[str, psutil.Process]:
        """By name: what it has started itself."""
        return {child.name(): child for child in psutil.Process(self.pid).children()}

    def family(self) -> list[psutil.Process]:
        return [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]

    def end(self) -> int:
        self.popen.terminate()
        return self.popen.wait(WAIT_S)


@contextlib.contextmanager
def running(*command: str, **env: str) -> Iterator[Process]:
    """A process for the block; whatever the test did to it, nothing of it is left."""
    process = Process(*command, **env)
    family = process.family()
    try:
        yield process
    finally:
        for each in [*family, *(process.family() if process.popen.poll() is None else [])]:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        process.popen.wait(WAIT_S)


def servers(data: Path) -> contextlib.AbstractContextManager[Process]:
    """PostgreSQL and NATS alone."""
    return running(sys.executable, "-m", "services.embedded", str(data))


def stack(data: Path, *options: str, **env: str) -> contextlib.AbstractContextManager[Process]:
    """The whole stack, on a free port."""
    return running(str(TIDINGS), "up", "--data", str(data), "--port", "0", *options, **env)


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    return subprocess.run(
        [str(TIDINGS), *arguments],
        cwd=ROOT,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def alive(processes: list[psutil.Process], within_s: float = 10) -> list[psutil.Process]:
    """Those that are still running after `within_s`. A zombie has ended, whether or not somebody has noticed yet."""
    until, left = time.monotonic() + within_s, []
    for process in processes:
        try:
            ended = os.pidfd_open(process.pid)  # readable once the process has ended
        except ProcessLookupError:
            continue
        if not select.select([ended], [], [], max(0, until - time.monotonic()))[0]:
            left.append(process)
        os.close(ended)
    return left
