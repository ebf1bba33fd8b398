"""JSON Schemas of everything that crosses a border, made from the Structs that really decode and encode.

`make docs` writes one file for each under docs/schemas; /asyncapi.json holds the same as its components.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from schemas import requests
from schemas.envelope import Line
from schemas.events import EVENTS, SCHEMA
from schemas.jobtypes import JobType
from schemas.views import JobView, Plan
from services.front.problems import ProblemBody
from services.front.work import Assignments, ReportAnswers
from services.nats.intake import RejectionBody

Doc = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
HASH: Doc = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 chain up to this event"}

# The file's name below docs/schemas, without its ending.
PAGES: dict[str, type] = {
    "job-view": JobView,
    "job-type": JobType,
    "plan": Plan,
    "problem": ProblemBody,
    "rejection": RejectionBody,
    "assignments": Assignments,
    "report-answers": ReportAnswers,
    "requests/submit": requests.Submit,
    "requests/batch": requests.Batch,
    "requests/cancel": requests.Cancel,
    "requests/retry": requests.Retry,
    "requests/cancel-by-nats": requests.NamedCancel,
    "requests/retry-by-nats": requests.NamedRetry,
    "requests/get-by-nats": requests.Get,
    "requests/claim": requests.Claim,
    "requests/report": requests.Reports,
    "requests/heartbeats": requests.Heartbeats,
    **{f"reports/{verb}": kind for verb, kind in requests.REPORTS.items()},
    **{f"events/{name}": kind for name, kind in EVENTS.items()},
}


def any_json(kind: type) -> Doc:
    """`object` stands for any JSON value, and so do bytes that are passed on as they are."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "any JSON value"}


def components(kinds: Sequence[type], ref: str) -> tuple[dict[type | str, Doc], dict[str, Doc]]:
    """(a reference to each, the schemas that they refer to)."""
    refs, found = msgspec.json.schema_components(kinds, schema_hook=any_json, ref_template=ref)
    return dict(zip(kinds, refs, strict=True)), found


def sealed_line(name: str, envelope: Mapping[str, object], data: Doc) -> Doc:
    """A sealed line that holds this event: the envelope's schema, made exact."""
    properties = envelope["properties"]
    assert isinstance(properties, dict)  # noqa: S101 - a Struct's schema
    schema: Doc = {"type": "integer", "minimum": 1, "maximum": SCHEMA[name]}
    exact: Doc = {**properties, "type": {"const": name}, "schema": schema, "data": data, "hash": HASH}
    return {"type": "object", "title": name, "properties": exact, "required": list(exact)}


def pages() -> dict[str, bytes]:
    """Every file below docs/schemas with its content."""
    found = {name: _page(name, msgspec.json.schema(kind, schema_hook=any_json)) for name, kind in PAGES.items()}
    return {f"{name}.json": page for name, page in {**found, "sealed-line": _line_page()}.items()}


def _line_page() -> bytes:
    refs, defs = components([Line, *EVENTS.values()], "#/$defs/{name}")
    lines: list[Doc] = [sealed_line(name, defs["Line"], refs[kind]) for name, kind in EVENTS.items()]
    del defs["Line"]
    return _page("sealed-line", {"oneOf": lines, "$defs": defs})


def _page(name: str, schema: Doc) -> bytes:
    whole = {"$schema": DIALECT, "$id": f"https://tidings.dev/schemas/{name}.json", **schema}
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def write(folder: Path) -> None:
    """Exactly these files, and none from before."""
    wanted = pages()
    for path in folder.rglob("*.json"):
        if str(path.relative_to(folder)) not in wanted:
            path.unlink()
    for name, page in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
