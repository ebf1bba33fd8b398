"""AsyncAPI 3.0: every subject, message, header and payload of NATS, made from the table of subjects and the Structs."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from schemas import requests, subjects
from schemas.envelope import Line
from schemas.events import EVENTS
from schemas.requests import Body
from schemas.views import JobView, Wait, Waiting
from services.front.problems import MEDIA_TYPE, ProblemBody
from services.front.work import Assignments, ReportAnswers
from services.nats.intake import RejectionBody
from services.schema_pages import Doc, components, sealed_line

JSON = "application/json"
REF = "#/components/schemas/{name}"

_TEXT: Doc = {"type": "string"}
_OPTIONAL: dict[str, str] = {
    "Tidings-Actor": "On whose behalf: `user:ID`, `service:ID` or `worker:ID`",
    "Idempotency-Key": "The same key and body again is the same call, for 7 days, over HTTP as well",
    "traceparent": "W3C trace context",
    "Accept-Language": "Of the words that come back",
}
_EVENT_HEADERS = {
    "Tidings-Position": "In its partition, equal to the stream's sequence",
    "Tidings-Job": "The job's id, where it is a job's event",
    "traceparent": "Of the call that caused it",
}
_STATUS_HEADERS = {
    "Tidings-Version": "The view's version",
    "Tidings-Position": "Of the job's last event: <partition>:<position>",
}
_COMMAND_HEADERS = {"Nats-Msg-Id": "The command's id, a UUID: obeyed once for 7 days", **_OPTIONAL}
_REPLY_HEADERS = {
    "Status": "As of HTTP",
    "Tidings-Position": "Of a write: <partition>:<position>",
    "Location": "Of a new job",
    "Nats-Service-Error-Code": "Of a refusal: the status again",
    "Nats-Service-Error": "Of a refusal: its title",
}
_PARAMETERS = {
    "partition": "Of the log: a tenant lives in one",
    "tenant": "Who owns it. The NATS account's permissions decide who may use it",
    "type": "The job type, its dots written `-`; `_` where the event belongs to none",
    "event": "The event's type",
    "job": "The job's id",
}


class WaitChanged(Struct, frozen=True):
    """What changed at this moment without an event of the job."""

    id: str
    version: int
    as_of: str
    wait: Wait
    waiting: Waiting | None


class Told(Struct, frozen=True, kw_only=True):
    """A channel that the service publishes, or reads from."""

    name: str
    address: str
    what: str
    sends: bool
    messages: Mapping[str, type | str]  # name to payload: a Struct, or text of this media type
    headers: Mapping[str, str]
    needed: Sequence[str] = ()
    reply: str | None = None  # the channel of the answers


_CALLS: dict[str, tuple[type[Body], type]] = {
    "submit": (requests.Submit, JobView),
    "find": (requests.Submit, JobView),
    "get": (requests.Get, JobView),
    "cancel": (requests.NamedCancel, JobView),
    "retry": (requests.NamedRetry, JobView),
    "claim": (requests.Claim, Assignments),
    "report": (requests.Reports, ReportAnswers),
    "heartbeat": (requests.Heartbeats, ReportAnswers),
}
_KINDS: list[type] = [JobView, WaitChanged, RejectionBody, ProblemBody, Line, *EVENTS.values()]
_KINDS += [kind for call in _CALLS.values() for kind in call if kind is not JobView]
KINDS = list(dict.fromkeys(_KINDS))


def channels() -> Iterator[Told]:
    """Every subject of the contract."""
    any_partition: int = "{partition}"  # type: ignore[assignment]  # a parameter stands in the number's place
    yield Told(
        name="events",
        address=subjects.event(any_partition, "{tenant}", "{type}", "{event}"),
        what="Every event, once and in order",
        sends=True,
        messages=EVENTS,
        headers=_EVENT_HEADERS,
        needed=("Tidings-Position",),
    )
    yield Told(
        name="status",
        address=subjects.status("{tenant}", "{job}"),
        what="The newest view of each job, in JetStream; versions only rise",
        sends=True,
        messages={"JobView": JobView},
        headers=_STATUS_HEADERS,
        needed=tuple(_STATUS_HEADERS),
    )
    yield Told(
        name="waits",
        address=subjects.waits("{tenant}", "{job}"),
        what="What the wait is at this moment; not kept",
        sends=True,
        messages={"WaitChanged": WaitChanged},
        headers={},
    )
    yield Told(
        name="rejections",
        address=subjects.rejections("{tenant}"),
        what="One for each refused command, kept for 7 days",
        sends=True,
        messages={"RejectionBody": RejectionBody},
        headers={"Nats-Msg-Id": "Names the refused message"},
    )
    yield Told(
        name="checkpoints",
        address=subjects.checkpoints(any_partition),
        what="Signed notes over the log (C2SP tlog-checkpoint)",
        sends=True,
        messages={"Note": "text/plain"},
        headers={},
    )
    for verb in subjects.COMMAND_VERBS:
        yield Told(
            name=f"commands.{verb}",
            address=subjects.command("{tenant}", verb),
            what=f"A command to {verb}, carried out once, even if it comes while the service is down",
            sends=False,
            messages={verb.capitalize(): _CALLS[verb][0]},
            headers=_COMMAND_HEADERS,
        )
    for verb in subjects.API_VERBS:
        yield from _call(verb)


def _call(verb: str) -> Iterator[Told]:
    asked, answered = _CALLS[verb]
    yield Told(
        name=f"api.{verb}",
        address=subjects.api("{tenant}", verb),
        what=f"A request to {verb}; the micro service `tidings` answers",
        sends=False,
        messages={verb.capitalize(): asked},
        headers=_OPTIONAL,
        reply=f"api.{verb}.reply",
    )
    yield Told(
        name=f"api.{verb}.reply",
        address="",
        what="To the request's own inbox",
        sends=True,
        messages={"Answer": answered, "Problem": ProblemBody},
        headers=_REPLY_HEADERS,
        needed=("Status",),
    )


def document(version: str) -> Doc:
    """The whole document, made once."""
    refs, schemas = components(KINDS, REF)
    payloads = {**refs, "text/plain": _TEXT}
    payloads |= {kind: sealed_line(name, schemas["Line"], refs[kind]) for name, kind in EVENTS.items()}
    told = list(channels())
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Tidings", "version": version, "description": "Long jobs that tell the truth, over NATS."},
        "defaultContentType": JSON,
        "servers": {
            "nats": {
                "host": "{host}",
                "protocol": "nats",
                "variables": {"host": {"default": "localhost:4222", "description": "NATS with JetStream"}},
            }
        },
        "channels": {each.name: _channel(each, payloads) for each in told},
        "operations": {each.name: _operation(each) for each in told if each.address},
        "components": {"schemas": schemas},
    }


def _channel(told: Told, payloads: Mapping[type | str, Doc]) -> Doc:
    named = [name for name in _PARAMETERS if f"{{{name}}}" in told.address]
    doc: Doc = {
        "address": told.address or None,
        "description": told.what,
        "messages": {name: _message(told, name, kind, payloads[kind]) for name, kind in told.messages.items()},
    }
    return {**doc, "parameters": {name: {"description": _PARAMETERS[name]} for name in named}} if named else doc


def _message(told: Told, name: str, kind: type | str, payload: Doc) -> Doc:
    media_type = kind if isinstance(kind, str) else MEDIA_TYPE if kind in {ProblemBody, RejectionBody} else JSON
    doc: Doc = {"name": name, "contentType": media_type, "payload": payload}
    if told.headers:
        properties = {header: {**_TEXT, "description": what} for header, what in told.headers.items()}
        doc["headers"] = {"type": "object", "properties": properties, "required": list(told.needed)}
    return doc


def _operation(told: Told) -> Doc:
    doc: Doc = {
        "action": "send" if told.sends else "receive",
        "channel": _ref(told.name),
        "summary": told.what,
        "messages": [_ref(told.name, "messages", name) for name in told.messages],
    }
    if told.reply:
        doc["reply"] = {"address": {"location": "$message.header#/reply-to"}, "channel": _ref(told.reply)}
    return doc


def _ref(channel: str, *path: str) -> Doc:
    return {"$ref": "/".join(("#", "channels", channel, *path))}
