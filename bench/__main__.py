"""Every measurement of this folder, one after another; what they print goes to bench/README.md with its command.

`python -m bench [NAME …]` runs all or only the named ones; the page keeps what others said last.
"""

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
HEAD = """\
# Measured

`make bench` writes this page. Every figure is of one run on one machine, with all servers and clients on it;
the commands give yours.
"""
SECTION = re.compile(r"^## (\w+)\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def names() -> list[str]:
    return sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def measured(name: str) -> str:
    """Run one, shown as it goes; its section of the page."""
    print(f"--- {name}", flush=True)
    command = [sys.executable, "-m", f"bench.{name}"]
    with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(f"{name} failed with {process.returncode}")
    source = (HERE / f"{name}.py").read_text()
    what = source.removeprefix('"""').partition("\n")[0]
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"## {name}\n{what}\n\n`python -m bench.{name}` · {when} · {machine}\n```\n{''.join(lines)}```\n\n"


def write(sections: dict[str, str]) -> None:
    PAGE.write_text(f"{HEAD}\n" + "".join(sections[name] for name in sorted(sections)).rstrip("\n") + "\n")


def main(wanted: list[str]) -> None:
    known = names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"There is no {', '.join(unknown)}; there are {', '.join(known)}.")
    said = PAGE.read_text() if PAGE.exists() else ""
    sections = {found[1]: found[0].rstrip("\n") + "\n\n" for found in SECTION.finditer(said) if found[1] in known}
    for name in wanted or known:
        sections[name] = measured(name)
        write(sections)


if __name__ == "__main__":
    main(sys.argv[1:])
