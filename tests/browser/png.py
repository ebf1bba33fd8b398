"""A picture of a page, stored smaller without a loss: flat areas shrink best where no filter has touched them."""

import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

BPP = 3  # a browser's pictures are RGB, eight bits each
_SIZE = struct.Struct(">II")


def smaller(png: bytes) -> bytes:
    """The same pixels in fewer bytes, or as they were."""
    chunks = list(_chunks(png))
    width, _height = _SIZE.unpack_from(chunks[0][1])
    data = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = _rows(data, width * BPP)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    parts = [*chunks[:1], (b"IDAT", packed), (b"IEND", b"")]
    made = png[:8] + b"".join(_chunk(name, body) for name, body in parts)
    return made if len(made) < len(png) else png


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _rows(data: bytes, stride: int) -> list[bytes]:
    """Each row's own bytes, its filter undone (PNG specification, 9.2)."""
    marks = range(0, len(data) + 1, stride + 1)
    rows = [bytes(stride)]
    for begin, end in pairwise(marks):
        rows.append(_unfiltered(data[begin], bytearray(data[begin + 1 : end]), rows[-1]))
    return rows[1:]


def _unfiltered(kind: int, row: bytearray, above: bytes) -> bytes:
    for x in range(len(row) if kind else 0):
        left, over, corner = (row[x - BPP], above[x], above[x - BPP]) if x >= BPP else (0, above[x], 0)
        guess = (0, left, over, (left + over) // 2, _nearest(left, over, corner))[kind]
        row[x] = (row[x] + guess) & 0xFF
    return bytes(row)


def _nearest(left: int, over: int, corner: int) -> int:
    """Paeth: whichever is nearest to left + over - corner."""
    return min((left, over, corner), key=lambda each: abs(left + over - corner - each))
