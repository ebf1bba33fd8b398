"""Call notes as one text file: a heading line for each, then what was said."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import msgspec

SAMPLE = Path(__file__).parent / "call_notes.txt"
HEADER = ("note", "title", "summary")


class Note(msgspec.Struct, frozen=True):
    number: int  # from 1, as it stands in the file
    title: str
    text: str


def read_notes(text: str) -> list[Note]:
    parts = [part for part in ("\n" + text).split("\n# ")[1:] if part.strip()]
    split = [part.partition("\n") for part in parts]
    return [Note(number, title.strip(), body.strip()) for number, (title, _, body) in enumerate(split, 1)]


def write_summaries(notes: Iterable[Note], summaries: dict[int, str]) -> bytes:
    """The result file, in the notes' order, whenever each summary was made."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows((note.number, note.title, summaries[note.number]) for note in notes if note.number in summaries)
    return out.getvalue().encode()


def read_summaries(content: str) -> dict[int, str]:
    return {int(row["note"]): row["summary"] for row in csv.DictReader(io.StringIO(content))}
