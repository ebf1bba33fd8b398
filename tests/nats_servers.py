"""NATS servers of a test's own: to be killed, to begin with odd settings, or to be three of a cluster."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.embedded.nats import _binary
from services.embedded.stack import free_ports

CLUSTER_SIZE = 3

_CONFIG = """\
server_name: {name}
listen: "127.0.0.1:{port}"
max_payload: {max_payload}
authorization {{ users: [{{ user: tidings, password: "word" }}] }}
jetstream {{ store_dir: "{store}", sync_interval: {sync} }}
"""
_CLUSTER = """\
cluster {{ name: tidings, listen: "127.0.0.1:{port}", routes: [{routes}] }}
"""


class Broker:
    """One nats-server, on the same port and folder however often it is killed and begun again."""

    def __init__(self, folder: Path, name: str, port: int, *, more: str = "", **settings: str) -> None:
        self.name = name
        self.url = f"nats://tidings:word@127.0.0.1:{port}"
        self.store = folder / name
        self._config = folder / f"{name}.conf"
        self._log = folder / f"{name}.log"
        given = {"max_payload": "2MB", "sync": "2m", **settings}
        self._config.write_text(_CONFIG.format(name=name, port=port, store=self.store, **given) + more)
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        with self._log.open("ab") as words:
            self._process = subprocess.Popen([str(_binary()), "-c", str(self._config)], stdout=words, stderr=words)

    def kill(self) -> None:
        """As by kill -9, or by a power cut of a disk that keeps its promises."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose(self, stream: str, kept: float) -> None:
        """While it is down: the end of a stream's messages, with what was noted of them."""
        stored = [each for each in self.store.rglob(f"{stream}/msgs/*") if each.is_file()]
        assert stored
        for each in stored:
            if each.suffix == ".blk":
                os.truncate(each, round(each.stat().st_size * kept))
            else:
                each.unlink()


@contextmanager
def broker(**settings: str) -> Iterator[Broker]:
    """A server alone."""
    with tempfile.TemporaryDirectory(prefix="tidings-nats-") as folder:
        made = Broker(Path(folder), "alone", free_ports(1)[0], **settings)
        made.begin()
        try:
            yield made
        finally:
            made.kill()


@contextmanager
def cluster() -> Iterator[Sequence[Broker]]:
    """Three servers that know each other."""
    ports, routes = free_ports(CLUSTER_SIZE), free_ports(CLUSTER_SIZE)
    known = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-nats-")))
        made = []
        for n in range(CLUSTER_SIZE):
            more = _CLUSTER.format(port=routes[n], routes=known)
            made.append(Broker(folder, f"n{n}", ports[n], more=more))
            made[-1].begin()
            stack.callback(made[-1].kill)
        yield made
