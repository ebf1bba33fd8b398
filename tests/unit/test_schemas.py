"""JSON Schemas and AsyncAPI: current, whole, and true of what is really sent."""

import json
import re
from collections.abc import Iterator

import jsonschema_rs
import msgspec
import pytest

from schemas import subjects
from schemas.events import EVENTS
from services.nats.asyncapi import document
from services.schema_pages import pages
from tests.conftest import ROOT

DOC = json.loads(msgspec.json.encode(document("0.1.0")))

# The part of AsyncAPI 3.0 that this document uses, by hand from the specification.
_NAMED = {"type": "object", "propertyNames": {"pattern": r"^[a-zA-Z0-9._-]+$"}, "minProperties": 1}
_REF = {
    "type": "object",
    "required": ["$ref"],
    "properties": {"$ref": {"pattern": "^#/"}},
    "additionalProperties": False,
}
_MESSAGE = {
    "type": "object",
    "required": ["name", "contentType", "payload"],
    "properties": {
        "name": {"type": "string"},
        "contentType": {"type": "string"},
        "payload": {"type": "object"},
        "headers": {"type": "object", "required": ["type", "properties"], "properties": {"type": {"const": "object"}}},
    },
    "additionalProperties": False,
}
_CHANNEL = {
    "type": "object",
    "required": ["address", "messages"],
    "properties": {
        "address": {"type": ["string", "null"]},
        "description": {"type": "string"},
        "messages": {**_NAMED, "additionalProperties": _MESSAGE},
        "parameters": {**_NAMED, "additionalProperties": {"required": ["description"]}},
    },
    "additionalProperties": False,
}
_OPERATION = {
    "type": "object",
    "required": ["action", "channel", "messages"],
    "properties": {
        "action": {"enum": ["send", "receive"]},
        "channel": _REF,
        "summary": {"type": "string"},
        "messages": {"type": "array", "items": _REF, "minItems": 1},
        "reply": {
            "required": ["channel"],
            "properties": {"channel": _REF, "address": {"required": ["location"]}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
ASYNCAPI = {
    "type": "object",
    "required": ["asyncapi", "info"],
    "properties": {
        "asyncapi": {"const": "3.0.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "defaultContentType": {"type": "string"},
        "servers": {**_NAMED, "additionalProperties": {"required": ["host", "protocol"]}},
        "channels": {**_NAMED, "additionalProperties": _CHANNEL},
        "operations": {**_NAMED, "additionalProperties": _OPERATION},
        "components": {"type": "object", "properties": {"schemas": _NAMED}, "additionalProperties": False},
    },
    "additionalProperties": False,
}


def test_the_pages_are_current() -> None:
    """`make docs` writes them."""
    folder = ROOT / "docs/schemas"
    there = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}
    assert there == pages()


@pytest.mark.parametrize("name", pages())
def test_every_page_is_a_json_schema(name: str) -> None:
    assert jsonschema_rs.meta.is_valid(json.loads(pages()[name]))


def test_the_golden_lines_are_what_the_schema_says() -> None:
    schema = jsonschema_rs.validator_for(json.loads(pages()["sealed-line.json"]))
    for line in (ROOT / "tests/golden/sealed_lines.ndjson").read_bytes().splitlines():
        schema.validate(json.loads(line))
        assert not schema.is_valid({**json.loads(line), "hash": "short"})


def test_the_document_is_an_asyncapi_document() -> None:
    jsonschema_rs.validator_for(ASYNCAPI).validate(DOC)


def test_every_reference_leads_somewhere() -> None:
    refs = set(_refs(DOC))
    assert refs
    for ref in refs:
        found = DOC
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]


def _refs(doc: object) -> Iterator[str]:
    if isinstance(doc, dict):
        if isinstance(ref := doc.get("$ref"), str):
            yield ref
        for each in doc.values():
            yield from _refs(each)
    elif isinstance(doc, list):
        for each in doc:
            yield from _refs(each)


def test_the_operations_speak_of_their_own_channels_messages() -> None:
    for name, operation in DOC["operations"].items():
        assert operation["channel"] == {"$ref": f"#/channels/{name}"}
        messages = [f"#/channels/{name}/messages/{message}" for message in DOC["channels"][name]["messages"]]
        assert operation["messages"] == [{"$ref": ref} for ref in messages]


def test_every_subject_and_event_is_told() -> None:
    """The addresses of the document are those that the code publishes on, with a word for each parameter."""
    told = {re.sub(r"\{\w+\}", "x", str(channel["address"])) for channel in DOC["channels"].values()}
    once = {subjects.status("x", "x"), subjects.waits("x", "x"), subjects.rejections("x")}
    commands = {subjects.command("x", verb) for verb in subjects.COMMAND_VERBS}
    calls = {subjects.api("x", verb) for verb in subjects.API_VERBS}
    partitioned = {f"{subjects.ROOT}.events.x.x.x.x", f"{subjects.ROOT}.checkpoints.x"}
    assert told == once | commands | calls | partitioned | {"None"}
    assert DOC["channels"]["events"]["messages"].keys() == EVENTS.keys()
