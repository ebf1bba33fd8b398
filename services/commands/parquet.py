"""An export as Parquet: one row for each line, in row groups of bounded size, and where it broke off it goes on.

A Parquet file can't be read before its end is written. So lines go into whole pieces in the folder `FILE.part` first;
at the end the pieces and what FILE had before become the new FILE, row group by row group. Killed at any time, the
next run keeps every whole piece. Needs pyarrow (the extra `parquet`).
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from eventstore.audit.reading import Sealed
from eventstore.audit.walk import Keys, keys_of
from eventstore.crash_points import crash_point
from services.commands.export import CannotExport, another

GROUP_ROWS = 65_536
GROUP_BYTES = 32 * 1024 * 1024  # of lines; whichever is full first. One row group is in memory
PIECE_GROUPS = 16  # what a kill costs at most
ASKED = b"tidings.export"  # in the file's metadata: what was chosen
LEVEL = 3

COLUMNS = {
    "partition": pa.int32(),
    "position": pa.int64(),
    "tenant": pa.string(),
    "stream": pa.string(),
    "version": pa.int32(),
    "type": pa.string(),
    "recorded_at": pa.timestamp("us", "UTC"),
    "actor": pa.string(),
    "line": pa.string(),  # sealed, byte for byte: all of the event, and its hash
}
REPEATED = ["partition", "tenant", "stream", "type", "actor"]


@contextmanager
def rows_in(
    out: Path | None, asked: str, *, group_rows: int = GROUP_ROWS, piece_groups: int = PIECE_GROUPS
) -> Iterator["Rows"]:
    """What takes the lines; FILE is made when the block ends well. Raises CannotExport, also for another's file."""
    if out is None:
        raise CannotExport("Parquet goes into a file.\nName it with --out FILE.")
    rows = Rows(out, asked, group_rows, piece_groups)
    try:
        yield rows
    except BaseException:
        rows.give_up()
        raise
    rows.finish()


class Rows:
    """Lines in, row groups out. `after`: the position of the last line that is there already."""

    def __init__(self, out: Path, asked: str, group_rows: int, piece_groups: int) -> None:
        self._out = out
        self._folder = out.with_name(out.name + ".part")
        self._schema = pa.schema(list(COLUMNS.items()), metadata={ASKED: asked.encode()})
        self._group_rows = group_rows
        self._piece_groups = piece_groups
        self._writer: parquet.ParquetWriter | None = None
        self._groups = 0
        self._lines: list[bytes] = []
        self._bytes = 0
        self.after = 0
        self.known: Sequence[bytes] = ()
        if out.exists():
            self.after, self.known = self._last(out)
        for piece in self._pieces():
            last, known = self._last(piece)
            if last <= self.after:  # killed after FILE was made and before its pieces were removed
                piece.unlink()
            else:
                self.after, self.known = last, known

    def write(self, page: Sequence[Sealed]) -> None:
        for each in page:
            self._lines.append(each.line)
            self._bytes += len(each.line)
            if len(self._lines) == self._group_rows or self._bytes >= GROUP_BYTES:
                self._group()

    def finish(self) -> None:
        self._group()
        self._close()
        pieces = self._pieces()
        if not pieces and self._out.exists():
            return
        new = self._out.with_name(self._out.name + ".new")
        with parquet.ParquetWriter(new, self._schema, **_HOW) as writer:
            for source in [*([self._out] if self._out.exists() else []), *pieces]:
                with parquet.ParquetFile(source) as old:
                    for n in range(old.num_row_groups):
                        writer.write_table(old.read_row_group(n), self._group_rows)
        crash_point("export.before_file")
        _settle(new, self._out)
        crash_point("export.after_file")
        shutil.rmtree(self._folder, ignore_errors=True)

    def give_up(self) -> None:
        """The piece that is not whole is begun again by the next run."""
        if self._writer:
            self._writer.close()
            self._piece_path().unlink(missing_ok=True)

    def _group(self) -> None:
        if not self._lines:
            return
        if self._writer is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(self._piece_path(), self._schema, **_HOW)
        self._writer.write_table(_table(self._lines, self._schema), self._group_rows)
        self._groups += 1
        self._lines, self._bytes = [], 0
        if self._groups == self._piece_groups:
            self._close()

    def _close(self) -> None:
        if self._writer:
            self._writer.close()
            _settle(self._piece_path(), self._folder / f"{len(self._pieces()):08}.parquet")
            self._writer, self._groups = None, 0
            crash_point("export.after_piece")

    def _piece_path(self) -> Path:
        return self._folder / "piece.new"

    def _pieces(self) -> list[Path]:
        return sorted(self._folder.glob("*.parquet"))

    def _last(self, path: Path) -> tuple[int, list[bytes]]:
        """Its last line and the position of that, where it has any. Raises CannotExport."""
        try:
            with parquet.ParquetFile(path) as file:
                metadata = file.schema_arrow.metadata or {}
                if metadata.get(ASKED) != self._schema.metadata[ASKED]:
                    raise another(path)
                groups = file.num_row_groups
                if groups == 0:
                    return 0, []
                group = file.read_row_group(groups - 1, ["position", "line"])
                (last,) = group.slice(group.num_rows - 1).to_pylist()
        except pa.ArrowInvalid as error:
            raise CannotExport(f"{path} is no Parquet file.\nName another file with --out, or remove it.") from error
        return int(last["position"]), [last["line"].encode()]


_HOW = {"compression": "zstd", "compression_level": LEVEL, "use_dictionary": REPEATED, "write_statistics": True}


def _table(lines: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    keys = [_keys(line) for line in lines]
    columns = [
        [each.partition for each in keys],
        [each.position for each in keys],
        [each.tenant for each in keys],
        [each.stream for each in keys],
        [each.version for each in keys],
        [each.type for each in keys],
        [each.recorded_at for each in keys],
        [str(each.actor) for each in keys],
        lines,
    ]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, COLUMNS.values(), strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _keys(line: bytes) -> Keys:
    found = keys_of(line)
    if found is None:
        raise CannotExport("A line of the log can't be read.\nRun `tidings audit verify` to see what happened to it.")
    return found


def _settle(path: Path, place: Path) -> None:
    """To the disk, then under its name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(place)
