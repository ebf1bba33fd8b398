"""`tidings projections`: rebuild what is shown from the log, or prove that it already equals it."""

import asyncio
from pathlib import Path

import msgspec

from projections.rebuild import rebuild as rebuild_all
from projections.verify import Difference
from projections.verify import verify as differences
from services.commands.database import database
from services.telling import configure

FOLLOW_EVERY_S = 2.0
SHOWN_MAX = 20


async def rebuild(data: Path | None, *, as_json: bool) -> int:
    configure()
    async with database(data) as pool:
        report = await rebuild_all(pool)
    words = f"Rebuilt from {report.events:,} events and in use; appends waited {report.stopped_s:.2f} s."
    _print(msgspec.json.encode(report).decode() if as_json else words)
    return 0


async def verify(data: Path | None, *, follow: bool, as_json: bool) -> int:
    configure()
    async with database(data) as pool:
        while True:
            found = await differences(pool)
            _tell(found, as_json=as_json)
            if found or not follow:
                return 1 if found else 0
            await asyncio.sleep(FOLLOW_EVERY_S)


def _tell(found: list[Difference], *, as_json: bool) -> None:
    if as_json:
        return _print(msgspec.json.encode({"ok": not found, "differences": found}).decode())
    for each in found[:SHOWN_MAX]:
        _print("  ".join(f"{name}: {value}" for name, value in msgspec.structs.asdict(each).items()))
    if len(found) > SHOWN_MAX:
        _print(f"… and {len(found) - SHOWN_MAX} more (--json shows all).")
    _print(
        f"{len(found)} rows differ from the log. `tidings projections rebuild` mends them."
        if found
        else "Live equals rebuilt, row for row."
    )
    return None


def _print(words: str) -> None:
    print(words, flush=True)
