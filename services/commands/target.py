"""Which stack a command speaks to: `--data`, else URLs in the environment, else `TIDINGS_DATA`, else `.tidings`."""

import os
from pathlib import Path

from services.embedded.folder import DataFolder, Ready

DEFAULT_DATA = ".tidings"
CHECKPOINTS = "checkpoints"  # the folder of an embedded stack that keeps its notes


def data_folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("TIDINGS_DATA") or DEFAULT_DATA)


def master_key(data: Path | None) -> str | None:
    """What persons' keys are wrapped by: the setting, else the secret of an embedded stack's folder."""
    given = os.environ.get("TIDINGS_PRIVATE_KEY")
    if given or (data is None and os.environ.get("TIDINGS_DATABASE_URL")):
        return given or None
    return DataFolder(data_folder(data)).secrets().private


def running(data: Path | None) -> Ready | None:
    """The embedded stack that is ready on the folder."""
    return DataFolder(data_folder(data)).read_ready()
