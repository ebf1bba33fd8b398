"""The data folder of an embedded stack: who owns it, its secrets, and how other commands find the running stack."""

import base64
import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil


class CannotStart(Exception):
    """The stack can't run here: what is wrong, and what to do next."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem} {next_step}")
        self.problem = problem
        self.next_step = next_step


class Secrets(msgspec.Struct, frozen=True):
    """Made once for a folder; whoever can read this file can act as the service."""

    postgres: str  # password of the superuser `postgres`
    tidings: str  # password of the service's own role
    nats: str  # password of the NATS user
    private: str = ""  # wraps persons' keys, base64; a folder from before it gets one at its next start


class Ready(msgspec.Struct, frozen=True):
    """The one line that `tidings up` prints, kept so that other commands find the stack."""

    ready: bool
    url: str
    api_key: str
    tenant: str
    nats_url: str
    database_url: str
    admin_database_url: str
    data: str
    pid: int


class DataFolder:
    """The paths below one data folder, and the lock that says who owns it."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self.postgres = self.root / "postgres"
        self.nats = self.root / "nats"
        self.files = self.root / "files"
        self.logs = self.root / "logs"
        self._state = self.root / "state.json"
        self._secrets = self.root / "secrets.json"
        self._lock = self.root / "lock"
        self._held: int | None = None

    def __enter__(self) -> Self:
        try:
            # Everybody may walk through the folder (root's PostgreSQL account must), nobody else may look into it.
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
            for folder in (self.logs, self.files, self.nats):
                folder.mkdir(mode=0o700, exist_ok=True)
            held = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"The data folder {self.root} can't be used: {error.strerror}.", "Give another folder with --data."
            ) from error
        try:
            # The kernel drops a flock with its owner, so a lock that is held means a live owner, even after kill -9.
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(held)
            raise self._refusal() from error
        os.ftruncate(held, 0)
        os.pwrite(held, str(os.getpid()).encode(), 0)
        self._held = held
        self._state.unlink(missing_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._state.unlink(missing_ok=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _refusal(self) -> CannotStart:
        pid = self._lock.read_text() or "unknown"
        ready = self.read_ready()
        where = f" at {ready.url}" if ready and str(ready.pid) == pid else ", which is still starting"
        return CannotStart(
            f"The data folder {self.root} is in use by process {pid}{where}.",
            f"Use that one, end it with `kill {pid}`, or give another folder with --data.",
        )

    def secrets(self) -> Secrets:
        """The folder's secrets, made on first use."""
        found = msgspec.json.decode(self._secrets.read_bytes(), type=Secrets) if self._secrets.exists() else None
        if found and found.private:
            return found
        private = base64.b64encode(secrets.token_bytes(32)).decode()
        made = found or Secrets(*(secrets.token_urlsafe(24) for _ in range(3)))
        made = msgspec.structs.replace(made, private=private)
        _write_private(self._secrets, msgspec.json.encode(made))
        return made

    def write_ready(self, ready: Ready) -> None:
        _write_private(self._state, msgspec.json.encode(ready))

    def read_ready(self) -> Ready | None:
        """The stack that runs on this folder, if one is ready; what a killed owner left behind doesn't count."""
        try:
            ready = msgspec.json.decode(self._state.read_bytes(), type=Ready)
            begun = psutil.Process(ready.pid).create_time()
        except (FileNotFoundError, NotADirectoryError, psutil.NoSuchProcess):
            return None
        # A younger process got the dead owner's number.
        return ready if begun <= self._state.stat().st_mtime else None

    def is_made(self) -> bool:
        return self.postgres.is_dir()

    def api_key(self) -> str | None:
        """The key that an earlier start made for this folder."""
        path = self.root / "api_key"
        return path.read_text() if path.exists() else None

    def keep_api_key(self, key: str) -> None:
        _write_private(self.root / "api_key", key.encode())

    def log(self, name: str) -> Path:
        """A server's log file; begun anew once it is beyond 10 MiB, so that a folder never fills by its logs."""
        path = self.logs / f"{name}.log"
        if path.exists() and path.stat().st_size > 10 * 1024 * 1024:
            path.replace(path.with_suffix(".log.old"))
        return path


def _write_private(path: Path, content: bytes) -> None:
    """Written whole or not at all, readable by the owner alone from its first byte."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
