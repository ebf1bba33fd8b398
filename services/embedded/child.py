"""One child process: begun with its log, watched without polling, and ended in bounded time."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from services.embedded.account import Account

_PR_SET_PDEATHSIG = 1
_LOOK_S = 0.02


class Child:
    """A running process that this one has begun."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self.name = name
        self.pid = process.pid
        self.exited = asyncio.Event()
        self._process = process
        threading.Thread(
            target=self._watch, args=(asyncio.get_running_loop(),), name=f"{name}-exit", daemon=True
        ).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        self._process.wait()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self.exited.set)

    @property
    def code(self) -> int | None:
        return self._process.returncode

    async def end(self, polite: signal.Signals, grace_s: float) -> None:
        """Ask, wait for at most `grace_s`, then insist."""
        if self.exited.is_set():
            return
        self._process.send_signal(polite)
        try:
            await asyncio.wait_for(self.exited.wait(), grace_s)
        except TimeoutError:
            self._process.kill()
            await self.exited.wait()


def begin(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    on_owners_death: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a child whose words go to `log`; it gets no signals of our terminal.

    Where the system can, our death ends it. Call this from the main thread: Linux sends the signal of our death when
    the thread that forked ends.
    """
    with log.open("ab") as words:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=env,
            start_new_session=True,
            preexec_fn=_bind_to_owner(on_owners_death),  # noqa: PLW1509 - a libc call alone, looked up before the fork
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    return Child(name, process)


def _bind_to_owner(signal_number: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl, owner, number = ctypes.CDLL(None).prctl, os.getpid(), int(signal_number)

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != owner:  # it died between the fork and the call
            os._exit(1)

    return bind


def end_leftovers(*marks: Path, grace_s: float = 5.0) -> int:
    """End (from a thread) what an earlier owner of the folder left running, and say how many there were.

    A process belongs to the folder when it works in one of `marks` or was given one on its command line. Only the
    holder of the folder's lock may call this.
    """
    found = [
        process for process in psutil.process_iter(["cmdline"]) if _belongs(process, {str(mark) for mark in marks})
    ]
    alive = found
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGKILL,
    ):  # SIGINT: Postgres drops its clients and ends cleanly
        for process in alive:
            _signal(process, number)
        alive = _still_running(alive, grace_s / 2)
    return len(found)


def _still_running(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Those that don't end in time. A zombie has ended: its new parent may take long to notice (or never does)."""
    until = time.monotonic() + within_s
    while (processes := [each for each in processes if _runs(each)]) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return processes


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _belongs(process: psutil.Process, marks: set[str]) -> bool:
    try:
        return process.pid != os.getpid() and (
            not marks.isdisjoint(process.info["cmdline"] or ()) or process.cwd() in marks
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
