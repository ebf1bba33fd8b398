"""The demo's own workers, each a process, so that one can really be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
END_MAX_S = 3.0


class Member:
    """One worker process; `refs` are the jobs it has begun."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.refs: set[str] = set()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        if self.process.stdout is not None:
            async for line in self.process.stdout:
                self.refs.add(line.decode().strip())

    def kill(self) -> None:
        """As if the power went: nothing is said to anybody."""
        self.process.send_signal(signal.SIGKILL)

    async def end(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), END_MAX_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self._reader.cancel()


Neighbours = Callable[[str], psutil.Process | None]


def nobody(ref: str) -> None:
    """Where no other workers are known."""


class Crew:
    """The demo's own workers, and how to find the job of another one on the same stack."""

    def __init__(self, members: list[Member], neighbours: Neighbours) -> None:
        self.members = members
        self._neighbours = neighbours

    def holder(self, ref: str) -> Member | psutil.Process | None:
        """Who works on the job, if that can be found on this machine."""
        return next((member for member in self.members if ref in member.refs), None) or self._neighbours(ref)


def workers_of(stack_pid: int, logs: Path, ref: str) -> psutil.Process | None:
    """Which of the workers that `tidings up` keeps has the job: each writes the refs it begins to its log."""
    names = {log.stem for log in logs.glob("worker-*.log") if ref in log.read_text().split()}
    for child in psutil.Process(stack_pid).children():
        if child.environ().get("TIDINGS_WORKER") in names:
            return child
    return None


@asynccontextmanager
async def crew(size: int, env: Mapping[str, str], neighbours: Neighbours) -> AsyncIterator[Crew]:
    members = [await _begin({**os.environ, **env, "TIDINGS_WORKER": f"demo-{n + 1}"}) for n in range(size)]
    try:
        yield Crew(members, neighbours)
    finally:
        await asyncio.gather(*(member.end() for member in members))


async def _begin(env: Mapping[str, str]) -> Member:
    command = (sys.executable, "-m", "services.demo.worker")
    process = await asyncio.create_subprocess_exec(*command, env=dict(env), cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    return Member(process)
