"""Writes docs/settings.md from the Struct: `make docs`."""

from typing import get_args, get_origin

import msgspec

from services.settings import KIB, Settings, variable

_HEAD = """\
# Settings

Read once, at the start, from the environment. A value that can't be used stops the start with the variable's name.
Generated from `services/settings.py` by `make docs`.
"""


def page() -> str:
    """The whole page, a table for each role."""
    rows: dict[str, list[str]] = {}
    for field in msgspec.structs.fields(Settings):
        meta = next(each for each in get_args(field.type) if isinstance(each, msgspec.Meta))
        cells = [f"`{variable(field.name)}`", meta.title or "", _bounds(field.type, meta), _default(field)]
        rows.setdefault((meta.extra or {})["role"], []).append(f"| {' | '.join([*cells, meta.description or ''])} |")
    head = ["| variable | unit | bounds | default | why |", "|---|---|---|---|---|"]
    return "\n".join([_HEAD, *("\n".join([f"## {role}", "", *head, *lines, ""]) for role, lines in rows.items())])


def _bounds(kind: object, meta: msgspec.Meta) -> str:
    if meta.ge is not None:
        return f"{meta.ge:,} to {meta.le:,}"
    if meta.pattern:
        return f"`{meta.pattern}`".replace("|", "\\|")
    inner = get_args(kind)[0]
    return " · ".join(map(str, get_args(inner))) if get_origin(inner) and type(None) not in get_args(inner) else ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT:
        return "required"
    if field.name.endswith("_bytes"):
        return f"{field.default // KIB:,} KiB"
    return "–" if field.default in {None, ""} else f"{field.default}"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - `make docs` keeps what it prints
