"""A data folder for a stack."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import Process, stack


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Outside pytest's own folders: each new run of pytest closes those to root's PostgreSQL account."""
    path = Path(tempfile.mkdtemp(prefix="tidings-e2e-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def data(folder: Path) -> Iterator[Path]:
    """A new one for each test."""
    path = Path(tempfile.mkdtemp(dir=folder)) / "stack"
    yield path
    shutil.rmtree(path.parent, ignore_errors=True)


@pytest.fixture(scope="module")
def home(folder: Path) -> Path:
    """The folder of the stack that runs for this module."""
    return folder / "home"


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Process]:
    with stack(home, "--no-demo") as process:
        yield process
