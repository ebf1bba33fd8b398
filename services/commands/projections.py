"""`tidings projections`: prove that what is shown is what the log says; mend rows, or build all anew."""

from functools import partial
from pathlib import Path

import msgspec

from projections.rebuild import rebuild as rebuild_all
from projections.repair import repair as repair_all
from projections.shadow import Pass
from projections.shadow import follow as follow_all
from projections.verify import Difference
from projections.verify import verify as differences
from services.commands.database import database, opened, servers
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
    """With `follow`, a second build is kept and compared until a row differs."""
    configure()
    async with servers(data) as found:
        if not follow:
            async with opened(found.database_url) as pool:
                differing = await differences(pool)
            _tell(differing, as_json=as_json)
            return 1 if differing else 0
        await follow_all(found.database_url, partial(_see, as_json=as_json), every_s=FOLLOW_EVERY_S)
        return 1


async def _see(found: Pass, *, as_json: bool) -> bool:
    _tell(found.differences, as_json=as_json)
    return not found.differences


async def repair(data: Path | None, *, as_json: bool) -> int:
    """Exit 0: what is shown is what the log says."""
    configure()
    async with database(data) as pool:
        report = await repair_all(pool)
    if as_json:
        _print(msgspec.json.encode(report).decode())
    else:
        _list(report.differences)
        _print(_mended(report.rows) if report.rows else "Live equals rebuilt, row for row: nothing to mend.")
        if not report.ok:
            _print("Some rows still differ. `tidings projections rebuild` makes all of them anew.")
    return 0 if report.ok else 1


def _mended(rows: int) -> str:
    return "1 row is mended." if rows == 1 else f"{rows} rows are mended."


def _tell(found: list[Difference], *, as_json: bool) -> None:
    if as_json:
        return _print(msgspec.json.encode({"ok": not found, "differences": found}).decode())
    _list(found)
    _print(
        f"{_values(len(found))} from the log. `tidings projections repair` mends that."
        if found
        else "Live equals rebuilt, row for row."
    )
    return None


def _values(count: int) -> str:
    return "1 value differs" if count == 1 else f"{count} values differ"


def _list(found: list[Difference]) -> None:
    for each in found[:SHOWN_MAX]:
        _print("  ".join(f"{name}: {value}" for name, value in msgspec.structs.asdict(each).items()))
    if len(found) > SHOWN_MAX:
        _print(f"… and {len(found) - SHOWN_MAX} more (--json shows all).")


def _print(words: str) -> None:
    print(words, flush=True)
