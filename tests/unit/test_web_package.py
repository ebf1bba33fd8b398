"""`services/web` can be published to npm as it is: what its entries import is in it, and nothing of our own pages."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from services.api.app import VERSION

WEB = Path(__file__).parents[2] / "services" / "web"
PACKAGE = json.loads((WEB / "package.json").read_text())
ENTRIES = [entry["default"] for entry in PACKAGE["exports"].values()]


def reachable() -> set[str]:
    """Every module that an entry imports, at once or later."""
    wanted, found = [(WEB / entry).resolve() for entry in ENTRIES], set[Path]()
    while wanted:
        module = wanted.pop()
        if module in found:
            continue
        found.add(module)
        named = re.findall(r'(?:from|import)\s*\(?"([^"]+)"', module.read_text())
        assert all(name.startswith(".") for name in named), f"{module.name} has a dependency"
        wanted += [(module.parent / name).resolve() for name in named]
    return {module.relative_to(WEB).as_posix() for module in found}


def test_it_is_released_with_the_service() -> None:
    assert PACKAGE["version"] == VERSION
    assert not PACKAGE.get("dependencies")
    assert "private" not in PACKAGE


def test_each_entry_names_its_types() -> None:
    """Written by `npm pack` itself (`prepack`) from the same JSDoc that `make check-web` holds."""
    for entry in PACKAGE["exports"].values():
        assert Path(entry["types"]).name == f"{Path(entry['default']).stem}.d.ts"
    assert "types" in PACKAGE["scripts"]["prepack"]


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is missing, so nothing can be packed")
def test_the_package_holds_what_its_entries_import() -> None:
    packed = subprocess.run(
        ["npm", "pack", "--dry-run", "--ignore-scripts", "--json"], cwd=WEB, capture_output=True, text=True, check=True
    )
    (found,) = json.loads(packed.stdout)
    files = {file["path"] for file in found["files"]}
    assert reachable() <= files
    assert not [path for path in files if path.startswith(("console/", "demo/")) or path.endswith(".py")]
