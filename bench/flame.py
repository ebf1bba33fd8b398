"""Where a submit's time goes, as a picture: `python -m bench.flame [SECONDS]` writes docs/pictures/submit-flame.svg.

64 connections submit new jobs to a stack of their own while py-spy (a tool of its own, found in PATH) samples the
service. A box is a function, as wide as its share of the samples; above it stand the functions that it called.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

import uvloop
from msgspec import Struct, field

from bench.load import load, new_jobs, ready_type, tidings

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "submit-flame.svg"
LOOP = "Runner.run (asyncio/runners.py"  # everything below it is only how the process began
WIDTH, ROW, LEAST = 1200, 17, 0.002  # of the samples: boxes below that are left out
CHARACTER = 6.2
HUES = {"services": 24, "projections": 42, "eventstore": 8, "schemas": 55, "asyncpg": 205, "nats": 265, "uvicorn": 150}


class Box(Struct):
    samples: int = 0
    above: dict[str, "Box"] = field(default_factory=dict)


def grown(lines: Iterable[str]) -> Box:
    """The tree of py-spy's raw stacks, without threads that only wait and without the frames of starting."""
    root = Box()
    for line in lines:
        stack, _, samples = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] for frame in stack.split(";")]
        if LOOP not in frames:
            continue
        box = root
        box.samples += int(samples)
        for frame in ["the process's loop", *frames[frames.index(LOOP) + 1 :]]:
            box = box.above.setdefault(frame, Box())
            box.samples += int(samples)
    return root


def boxes(
    box: Box, left: float, level: int, scale: float, least: float
) -> Iterator[tuple[str, int, float, float, int]]:
    """(name, samples, left, width, level) of all that is wide enough."""
    for name, each in sorted(box.above.items()):
        width = each.samples * scale
        if width >= least:
            yield name, each.samples, left, width, level
            yield from boxes(each, left, level + 1, scale, least)
        left += width


def picture(root: Box, title: str) -> str:
    found = list(boxes(root, 0, 0, WIDTH / root.samples, WIDTH * LEAST))
    height = (max(level for *_, level in found) + 1) * ROW + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace"',
        f'font-size="10"><rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="16" font-size="13">{escape(title)}</text>',
    ]
    for name, samples, left, width, level in found:
        top = height - 8 - (level + 1) * ROW
        said = f"{escape(name)}): {100 * samples / root.samples:.1f} %"
        parts.append(
            f'<g><title>{said}</title><rect x="{left:.1f}" y="{top}" width="{max(width - 0.5, 0.5):.1f}"'
            f' height="{ROW - 1}" fill="{_colour(name)}"/>{_label(name, left, width, top)}</g>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _colour(name: str) -> str:
    place = name.partition("(")[2].partition("/")[0]
    hue = HUES.get(place)
    light = 68 + zlib.crc32(name.encode()) % 12
    return f"hsl({hue},75%,{light}%)" if hue is not None else f"hsl(0,0%,{light + 6}%)"


def _label(name: str, left: float, width: float, top: int) -> str:
    letters = int((width - 6) / CHARACTER)
    short = name.partition(" (")[0].replace(".<locals>", "")[: max(letters, 0)]
    return f'<text x="{left + 3:.1f}" y="{top + 12}">{escape(short)}</text>' if len(short) > 2 else ""


async def sampled(seconds: int, raw: str) -> float:
    """Write raw stacks to a file. Answers the submits a second meanwhile."""
    spy = shutil.which("py-spy")
    if spy is None:
        raise SystemExit("py-spy is not in PATH: pip install py-spy.")
    with tidings() as ours:
        url, key = ours["url"], ours["api_key"]
        await ready_type(url, key)
        await load(url, new_jobs(key), 2)  # everything is loaded once
        command = [spy, "record", "-r", "200", "-d", str(seconds), "-f", "raw", "-o", raw, "-p", ours["pid"]]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = await load(url, new_jobs(key), seconds + 2)
        await process.wait()
        return seen.rate


def main(given: list[str]) -> None:
    with tempfile.NamedTemporaryFile("r", suffix=".raw") as raw:
        rate = uvloop.run(sampled(int(given[0]) if given else 10, raw.name))
        root = grown(raw)
    title = f"tidings up at {rate:,.0f} submits a second, 64 connections: {root.samples:,} samples of its loop"
    PICTURE.write_text(picture(root, title))
    print(f"{PICTURE.name}: {root.samples:,} samples, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
