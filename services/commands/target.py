"""Which stack a command speaks to: `--data`, else URLs in the environment, else `TIDINGS_DATA`, else `.tidings`."""

import os
from pathlib import Path

from services.embedded.folder import DataFolder, Ready

DEFAULT_DATA = ".tidings"
CHECKPOINTS = "checkpoints"  # the folder of an embedded stack that keeps its notes


def data_folder(data: Path | None) -> Path:
    return data or Path(os.environ.get("TIDINGS_DATA") or DEFAULT_DATA)


def running(data: Path | None) -> Ready | None:
    """The embedded stack that is ready on the folder."""
    return DataFolder(data_folder(data)).read_ready()
