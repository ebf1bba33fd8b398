"""`tidings audit verify`: proof that the history is as it was written. Needs the database alone, appends nothing."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from eventstore.audit import keys
from eventstore.audit.notes import PublicKey, Signer, seeds
from eventstore.audit.outside import Shelf, notes_at
from eventstore.audit.signed import Outside, Trust
from eventstore.audit.verify import Report, total
from eventstore.audit.verify import verify as verify_log
from eventstore.audit.workers import workers
from eventstore.postgres import Pool
from services.commands.bars import bar
from services.commands.database import opened, servers
from services.commands.target import CHECKPOINTS, data_folder
from services.settings import variable
from services.telling import configure


async def verify(data: Path | None, notes: Sequence[Path], key: Sequence[str], *, as_json: bool) -> int:
    """Exit 0: it held, 1: the first bad event is named."""
    configure()
    async with servers(data) as found, opened(found.database_url) as pool:
        trust, outside = await trusted(pool, key), await kept_outside(data, notes)
        events = await total(pool)
        with workers(found.database_url, events) as helpers, bar("Checking", events, shown=sys.stderr.isatty()) as seen:
            report = await verify_log(pool, trust, outside, progress=seen, helpers=helpers)
    print(msgspec.json.encode(report).decode() if as_json else _words(report))
    return 0 if report.ok else 1


async def trusted(pool: Pool, pinned: Sequence[str]) -> Trust:
    """Keys that were named, else those of the setting; without any, the database's own word."""
    found = [PublicKey.read(text) for text in pinned]
    given = os.environ.get(variable("checkpoint_key"))
    if not found and given:
        async with pool.acquire() as conn:
            name = await keys.log_name(conn)
        found = [Signer(name, seed).public for seed in seeds(given)] if name else []
    return Trust(tuple(found))


async def kept_outside(data: Path | None, notes: Sequence[Path]) -> list[Outside]:
    """The notes that were named, and those of the service's own shelf."""
    shelf = os.environ.get(variable("checkpoints_url"))
    if shelf is None and (data is not None or not os.environ.get(variable("database_url"))):
        shelf = (data_folder(data).expanduser().resolve() / CHECKPOINTS).as_uri()
    found = await Shelf(shelf).notes() if shelf else []
    return [*found, *(note for path in notes for note in notes_at(path))]


def _words(report: Report) -> str:
    if report.first_bad is None:
        return f"All {report.events:,} events are as they were written."
    bad = report.first_bad
    return (
        f"The history was changed. First bad event: position {bad.position} of partition {bad.partition} "
        f"({bad.kind}): {bad.detail}.\n{report.events:,} events before it are as they were written. "
        "Keep the database as it is, and compare it with a backup."
    )
