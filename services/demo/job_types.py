"""The demo's job types, each a TOML file beside this one."""

import tomllib
from pathlib import Path

from tidings import Client

FOLDER = Path(__file__).parent / "types"


def definitions() -> dict[str, dict[str, object]]:
    """By name, which is the file's."""
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.toml"))}


async def define_types(client: Client) -> None:
    for name, definition in definitions().items():
        await client.define_type(name, definition)
