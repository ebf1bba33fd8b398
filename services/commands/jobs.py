"""`tidings jobs` and `tidings types`: what the service shows, for a person or a program."""

from pathlib import Path

import httpx
import msgspec
from msgspec import Struct
from rich.text import Text

from schemas.views import JobView
from services.commands.client import api
from services.commands.words import console, heading, lines


class Page(Struct, frozen=True):
    jobs: list[JobView]
    next: str | None


class TypeLine(Struct, frozen=True):
    """Of a job type, what the list shows."""

    name: str
    title: str | dict[str, str]
    stages: list[dict[str, object]] = []


class TypePage(Struct, frozen=True):
    types: list[TypeLine]


async def list_jobs(data: Path | None, filters: dict[str, str], *, as_json: bool) -> int:
    async with api(data) as client:
        answer = await client.get("/v1/jobs", params=filters)
    if not ok(answer, as_json=as_json) or as_json:
        return 0 if answer.is_success else 1
    page, out = msgspec.json.decode(answer.content, type=Page), console()
    for view in page.jobs:
        out.print(heading(view))
        for line in lines(view):
            out.print(Text(f"    {line}", style="dim"))
    if not page.jobs:
        out.print("No jobs here yet.")
    elif page.next:
        out.print("There are more: --limit shows up to 200, --q finds one.")
    return 0


async def list_types(data: Path | None, *, as_json: bool) -> int:
    async with api(data) as client:
        answer = await client.get("/v1/types")
    if not ok(answer, as_json=as_json) or as_json:
        return 0 if answer.is_success else 1
    out = console()
    for each in msgspec.json.decode(answer.content, type=TypePage).types:
        title = each.title if isinstance(each.title, str) else each.title.get("en", each.name)
        out.print(Text.assemble((f"{each.name:<28}", "bold"), title))
    return 0


class ProblemWords(Struct, frozen=True):
    """Of a problem, what a person reads."""

    title: str
    detail: str | None = None
    next: str | None = None


def ok(answer: httpx.Response, *, as_json: bool) -> bool:
    """Print the answer as it is for a program; for a person, say what a refusal says."""
    if as_json:
        print(answer.text)
    elif not answer.is_success:
        problem = msgspec.json.decode(answer.content, type=ProblemWords)
        console().print("\n".join(filter(None, (problem.title, problem.detail, problem.next))))
    return answer.is_success
