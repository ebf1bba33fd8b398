"""The peers with the same no-op work: each against a fresh embedded PostgreSQL with fsync on, in its own process.

`python -m bench.peers [NAME …]`. Python peers get a virtual environment, Node peers a folder, both below the user's
cache and of the versions pinned here; where node or the registry is missing, that is said and the others go on.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench._rows import said, scaled
from services.embedded.stack import EmbeddedStack
from services.telling import configure

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidings-bench"
PEERS = {
    "procrastinate": "procrastinate_peer.py",
    "pgqueuer": "pgqueuer_peer.py",
    "DBOS": "dbos_peer.py",
    "pg-boss": "pg_boss_peer.js",
    "graphile-worker": "graphile_peer.js",
}
PEER_MAX_S = 180


class Missing(Exception):
    """This peer can't run here; says why."""


def python() -> list[str]:
    """The peers' Python, with exactly the pinned versions."""
    wanted, place = HERE / "requirements.txt", CACHE / "python"
    stamp = place / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted.read_text():
        run([sys.executable, "-m", "venv", "--clear", str(place)])
        run([str(place / "bin/pip"), "install", "--quiet", "-r", str(wanted)])
        stamp.write_text(wanted.read_text())
    return [str(place / "bin/python")]


def node() -> list[str]:
    """Node, with the pinned versions beside copies of our scripts."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not (found and npm):
        raise Missing("node is not there")
    place = CACHE / "node"
    place.mkdir(parents=True, exist_ok=True)
    stamp = place / "installed.json"
    wanted = (HERE / "package.json").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        (place / "package.json").write_text(wanted)
        run([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place)])
        stamp.write_text(wanted)
    for script in HERE.glob("*.js"):
        shutil.copy(script, place)
    return [found]


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing((done.stderr or done.stdout).strip()[-300:] or f"{command[0]} ended with {done.returncode}")


async def measured(name: str, script: str) -> None:
    """Its rows, each named after it."""
    command = [*node(), str(CACHE / "node" / script)] if script.endswith(".js") else [*python(), str(HERE / script)]
    sizes = {
        "BENCH_SECONDS": str(scaled(3, 1)),
        "BENCH_DRAIN": str(scaled(10_000, 2_000)),
        "BENCH_PICKS": str(scaled(200, 40)),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as folder:
        async with EmbeddedStack(Path(folder)) as stack:
            process = await asyncio.create_subprocess_exec(
                *command, stack.admin_database_url, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
                env={**os.environ, **sizes},
            )  # fmt: skip
            try:
                out, err = await asyncio.wait_for(process.communicate(), PEER_MAX_S)
            except TimeoutError as error:
                process.kill()
                raise Missing(f"took longer than {PEER_MAX_S} s") from error
    for line in out.decode().splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            said(f"peer {name}: {row['name']}", row["value"], row["unit"])
    if process.returncode:
        raise Missing(err.decode(errors="replace").strip()[-400:])


async def main(wanted: list[str]) -> int:
    configure("error")
    failed = 0
    for name in wanted or PEERS:
        try:
            await measured(name, PEERS[name])
        except Missing as error:
            print(f"peer {name}: not measured: {error}", flush=True)
            failed += "node is not there" not in str(error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
