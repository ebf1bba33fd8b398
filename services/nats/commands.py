"""One message of the command queue as a command: the HTTP call's body, and a key that makes it count once."""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct
from nats.aio.msg import Msg

from schemas import requests, subjects
from schemas.commands import CancelJob, Command, IdempotencyKey
from schemas.envelope import time_text
from schemas.ids import is_uuid
from schemas.problems import Fault, Problem, Rejection
from schemas.requests import Body
from services.front import jobs
from services.front.asked import Parts
from services.front.bodies import invalid
from services.front.keyed import KEY_MAX_CHARS, body_digest
from services.front.problems import Refused
from services.nats.asked import NatsAsked
from services.nats.named import call_of, named_job, plain


class _Named(Struct):
    command_id: str | None = None


_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")
_named = msgspec.json.Decoder(_Named)


class Commanded(NatsAsked):
    """A message of the queue. `command_id`: its `Nats-Msg-Id`, else its place in the stream, which never changes."""

    __slots__ = ("about", "command_id", "place")

    def __init__(self, parts: Parts, msg: Msg) -> None:
        super().__init__(parts, msg)
        self.place = f"{msg.metadata.sequence.stream}@{time_text(msg.metadata.timestamp)}"
        self.command_id = self.header("nats-msg-id") or self.place
        self.about = ""  # the job, where there is one already

    @property
    def mailbox(self) -> str:
        """The tenant, or `_` where the subject's word for it could not be published on."""
        return self.tenant if _WORD.fullmatch(self.tenant) else "_"

    def key(self, call: str, body: Body, uploads: Mapping[str, str] | None = None) -> IdempotencyKey:
        """The command id; an Idempotency-Key counts beside it, and for the same call over HTTP."""
        digest = sha256(body_digest(body, uploads or {}) + self.about.encode()).digest()
        return IdempotencyKey(call_of(self.verb), self.command_id, digest, super().key(call, body, uploads))

    def names(self) -> str | None:
        """The id of the command that this one is about, as far as it can be told."""
        try:
            return None if self.verb == "submit" else _named.decode(self.data).command_id
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


async def command_of(asked: Commanded) -> Command:
    """Raises Refused for what can't be obeyed, NotMade for what can't yet."""
    asked.check_tenant()
    make = COMMANDS.get(asked.verb)
    if make is None:
        raise invalid(Fault("verb", f"must be one of {', '.join(COMMANDS)}: the subject's fifth and last word"))
    if len(asked.command_id) > KEY_MAX_CHARS or not asked.command_id.isprintable():
        raise invalid(Fault("Nats-Msg-Id", f"must be 1 to {KEY_MAX_CHARS} printable characters"))
    return await make(asked)


async def _submit(asked: Commanded) -> Command:
    return await jobs.submission(asked, jobs.SUBMIT_CALL)


async def _cancel(asked: Commanded) -> Command:
    body = await asked.body(requests.NamedCancel)
    asked.about = job = _id(await named_job(asked, body))
    key = asked.key(jobs.cancel_call(job), plain(requests.Cancel, body))
    return CancelJob(tenant=asked.tenant, cause=asked.cause(), key=key, job=job)


async def _retry(asked: Commanded) -> Command:
    body = await asked.body(requests.NamedRetry)
    asked.about = job = _id(await named_job(asked, body))
    return await jobs.retrial(asked, job, plain(requests.Retry, body))


def _id(job: str) -> str:
    if not is_uuid(job):
        raise Refused(unknown_job(job, "/job"))
    return job


def unknown_job(name: str, pointer: str) -> Rejection:
    """422: what the body names is not there."""
    return Rejection(Problem.UNKNOWN_JOB, {"name": name[:200]}, (Fault(pointer, "no job has this id"),))


COMMANDS: dict[str, Callable[[Commanded], Awaitable[Command]]] = dict(
    zip(subjects.COMMAND_VERBS, (_submit, _cancel, _retry), strict=True)
)
