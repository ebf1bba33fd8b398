"""An export as Parquet: every line once, in order, in bounded row groups; whatever dies on the way, it goes on."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from eventstore.audit.reading import Wanted, read_lines
from eventstore.chain import START, next_hash
from eventstore.postgres import Pool
from schemas.envelope import seal
from services.commands.export import CannotExport
from services.commands.parquet import rows_in
from tests.conftest import ROOT
from tests.store import export_once
from tests.store.export_once import GROUP_ROWS
from tests.store.logs import fill

TENANT = "acme"


@pytest.fixture
async def log(pool: Pool) -> Pool:
    await fill(pool, 0, TENANT, 120)
    await fill(pool, 0, "other", 20)
    await fill(pool, 0, TENANT, 30, 2)
    return pool


async def in_log(pool: Pool) -> list[bytes]:
    rows = await pool.fetch("select line, hash from events where tenant = $1 order by position", TENANT)
    return [seal(row["line"], row["hash"]) for row in rows]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def lines_of(path: Path) -> list[bytes]:
    with parquet.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        assert max(sizes, default=0) <= GROUP_ROWS
        return [line.encode() for line in file.read()["line"].to_pylist()]


async def test_each_row_says_what_its_line_says(log: Pool, database: str, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    await export_once.main(database, TENANT, out)
    assert lines_of(out) == await in_log(log)
    for row in parquet.read_table(out).to_pylist():
        line = json.loads(row["line"])
        for name in ("partition", "position", "tenant", "stream", "version", "type"):
            assert row[name] == line[name]
        assert row["recorded_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ") == line["recorded_at"]
        assert row["actor"] == f"{line['actor']['kind']}:{line['actor']['id']}"
    assert names_in(tmp_path) == ["log.parquet"]


async def test_the_chain_is_checked_from_the_rows_alone(pool: Pool, database: str, tmp_path: Path) -> None:
    """Of a log that has no other tenant, as each line carries its hash."""
    out = tmp_path / "log.parquet"
    await fill(pool, 0, TENANT, 5)
    await export_once.main(database, TENANT, out)
    hashes = {row["position"]: row["hash"] for row in await pool.fetch("select position, hash from events")}
    for row in parquet.read_table(out).to_pylist():
        sealed = row["line"].encode()
        before = hashes.get(row["position"] - 1, START)
        assert json.loads(sealed)["hash"] == next_hash(before, sealed[:-75] + b"}").hex()


async def test_a_finished_file_is_gone_on_with(log: Pool, database: str, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    await export_once.main(database, TENANT, out)
    before = out.read_bytes()
    await export_once.main(database, TENANT, out)
    assert out.read_bytes() == before, "nothing new"
    await fill(log, 0, TENANT, 40, 3)
    await export_once.main(database, TENANT, out)
    assert lines_of(out) == await in_log(log)


@pytest.mark.parametrize("point", ["after_piece:1", "after_piece:2", "before_file", "after_file"])
async def test_killed_at_any_point_it_goes_on(log: Pool, database: str, tmp_path: Path, point: str) -> None:
    """Also from a file that was finished earlier, and with what a piece leaves that was not whole."""
    out = tmp_path / "log.parquet"
    for seed in (5, 6):
        assert await once(database, out, TIDINGS_CRASH_AT=f"export.{point}") == -signal.SIGKILL
        assert out.exists() == (seed == 6 or point == "after_file")
        (tmp_path / "log.parquet.part").mkdir(exist_ok=True)
        (tmp_path / "log.parquet.part" / "piece.new").write_bytes(b"PAR1 torn")
        assert await once(database, out) == 0
        assert lines_of(out) == await in_log(log)
        await fill(log, 0, TENANT, 120, seed)


async def once(dsn: str, out: Path, **env: str) -> int:
    """How a process that exports ended."""
    command = [sys.executable, "-m", "tests.store.export_once", dsn, TENANT, str(out)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env={**os.environ, **env})
    return await process.wait()


async def test_a_fault_keeps_whole_pieces_and_makes_no_file(log: Pool, database: str, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    pages = [page async for page in read_lines(log, Wanted(partition=0, tenant=TENANT), 0, 90)]
    with pytest.raises(IndexError), rows_in(out, f"all of {TENANT}", group_rows=10, piece_groups=2) as rows:
        rows.write([*pages[0], *pages[1]])
    assert not out.exists()
    await export_once.main(database, TENANT, out)
    assert lines_of(out) == await in_log(log)


@pytest.mark.usefixtures("log")
async def test_another_export_and_another_file_are_left_alone(database: str, tmp_path: Path) -> None:
    out = tmp_path / "log.parquet"
    await export_once.main(database, TENANT, out)
    before = out.read_bytes()
    with pytest.raises(CannotExport, match="holds another export"):
        await export_once.main(database, "other", out)
    assert out.read_bytes() == before
    out.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(CannotExport, match="no Parquet file"):
        await export_once.main(database, TENANT, out)
    assert out.read_bytes() == b"a,b\n1,2\n"
    parquet.write_table(pa.table({"a": [1]}), out)
    with pytest.raises(CannotExport, match="holds another export"):
        await export_once.main(database, TENANT, out)


@pytest.mark.usefixtures("log")
async def test_nothing_to_export_is_an_empty_table(database: str, tmp_path: Path) -> None:
    out = tmp_path / "none.parquet"
    await export_once.main(database, "nobody", out)
    table = parquet.read_table(out)
    assert (table.num_rows, table.column_names[:2]) == (0, ["partition", "position"])
