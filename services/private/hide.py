"""A command's private fields become ciphertexts, under the head's lock and before anything is decided.

So decide, fold and every row see ciphertexts alone. What must be known again goes by MACs under the tenant's key: the
digest of a request, the first body of an Idempotency-Key, the id of an item that has none.
"""

import contextlib
from collections.abc import Mapping, Sequence

import msgspec
import rfc8785
from msgspec import Struct
from msgspec.structs import replace

from eventstore.private.cipher import PersonKey, bound_to
from eventstore.private.keys import TENANT_ITSELF, Found, Person
from schemas import requests
from schemas.commands import Command, ErasePerson, IdempotencyKey, ReportWork, RetryJob, SubmitJob
from schemas.events import Json, StoredResult
from schemas.jobtypes import JobType
from schemas.private import ITEM_VALUE, RESULT, RETRY_INPUT, TITLE, Marked, change_at, marked
from services.jobs.dedupe import request_digest
from services.jobs.reports import item_id
from services.jobs.working import Working

_json = msgspec.json.Encoder()


def concerns(work: Working, commands: Sequence[Command]) -> bool:
    """Whether any of them has private fields. For all others this is all that it costs."""
    return any(isinstance(command, ErasePerson) or kind_of(work, command) for command in commands)


def kind_of(work: Working, command: Command) -> JobType | None:
    """The type by which a command's fields are private; None where none are."""
    kind: JobType | None = None
    match command:
        case SubmitJob():
            known = work.types.get((command.tenant, command.body.type))
            kind = known[1] if known else None
        case ReportWork() | RetryJob():
            job = work.job_of(command.job, command.tenant)
            kind = job.definition if job else None
        case _:
            pass
    return kind if kind and kind.private else None


def owner_of(work: Working, command: Command) -> Person:
    """Whose the fields are. Of commands that `kind_of` names a type for."""
    if isinstance(command, SubmitJob):
        return command.tenant, command.body.owner
    assert isinstance(command, ReportWork | RetryJob)  # noqa: S101 - as the docstring says
    return command.tenant, work.jobs[command.job].owner


class Hand(Struct, frozen=True):
    """What hides one command's fields."""

    key: PersonKey
    tenant: PersonKey
    place: tuple[str, str]  # tenant, stream
    marks: Marked

    def value(self, path: str, value: Json) -> Json:
        """A marker in the place of any JSON value; null stays."""
        return None if value is None else self.key.seal(_json.encode(value), bound_to(*self.place, path))

    def text(self, path: str, text: str | None) -> str | None:
        return None if text is None else self.key.seal(_json.encode(text), bound_to(*self.place, path))

    def known_again(self, data: bytes) -> bytes:
        return self.tenant.mac(data)


def hidden(work: Working, command: Command, kind: JobType, people: Mapping[Person, Found]) -> Command:
    """The command with ciphertexts. Where the person's key is gone nothing is to be hidden any more: see each case."""
    found, tenant = people.get(owner_of(work, command)), people[command.tenant, TENANT_ITSELF].key
    command = replace(command, key=_key(work, command, tenant))
    match command:
        case SubmitJob() if found:
            with contextlib.suppress(rfc8785.CanonicalizationError):  # as it is, it is refused for that
                return _submit(
                    command, kind, Hand(found.key, tenant, (command.tenant, command.job), marked(kind.private))
                )
            return command
        case RetryJob() if found is None or found.made_at > work.jobs[command.job].created_at:
            return replace(command, removed=True)
        case ReportWork() if found is None or found.made_at > work.jobs[command.job].created_at:
            return command  # its job was ended by the erasure, so nothing of it is written
        case RetryJob() | ReportWork() if found:
            job = work.jobs[command.job]
            hand = Hand(found.key, tenant, (command.tenant, job.id), marked(kind.private))
            return _retry(command, hand) if isinstance(command, RetryJob) else _report(command, hand)
        case _:
            raise AssertionError(f"{type(command).__name__} has no private fields")


def _key(work: Working, command: Command, tenant: PersonKey) -> IdempotencyKey | None:
    """The digest of a private body is kept as a MAC. One that was kept before its type was private is left as it is."""

    def kept(key: IdempotencyKey | None) -> IdempotencyKey | None:
        if key is None:
            return None
        first = work.keys.get((command.tenant, key.call, key.key))
        body = key.body if first and first.body == key.body else tenant.mac(key.body)
        return replace(key, body=body, also=kept(key.also))

    return kept(command.key)


def private_digest(kind: JobType, command: SubmitJob, tenant: PersonKey) -> str | None:
    """What makes two requests of a private type the same: a MAC, so that nobody can try out what was asked."""
    digest = request_digest(kind, command.tenant, command.body, command.uploads)
    return None if digest is None else tenant.mac(bytes.fromhex(digest)).hex()


def _submit(command: SubmitJob, kind: JobType, hand: Hand) -> SubmitJob:
    body, marks = command.body, hand.marks
    shown = replace(
        body,
        title=hand.text(TITLE, body.title) if marks.title else body.title,
        input=change_at(body.input, "input", marks.input, hand.value),
        settings=change_at(body.settings, "settings", marks.settings, hand.value),
    )
    return replace(command, body=shown, hidden=True, digest=private_digest(kind, command, hand.tenant))


def _retry(command: RetryJob, hand: Hand) -> RetryJob:
    if not hand.marks.retry_input:
        return command
    return replace(command, body=replace(command.body, input=hand.value(RETRY_INPUT, command.body.input)))


def _report(command: ReportWork, hand: Hand) -> ReportWork:
    body, marks = command.body, hand.marks
    match body:
        case requests.Problems():
            items = [_item(each, hand) for each in body.items]
            return replace(command, body=replace(body, items=items))
        case requests.Finish():
            ended = [_item(each, hand) for each in body.items] if isinstance(body.items, list) else body.items
            result = _result(command.result, hand) if marks.result and command.result else command.result
            return replace(command, body=replace(body, items=ended), result=result)
        case requests.NeedsFix() if marks.problem:
            words = {name: hand.text(name, getattr(body, name)) for name in ("text", "reason", "next")}
            return replace(command, body=replace(body, **words))
        case requests.Fail() if marks.problem:
            words = {name: hand.text(name, getattr(body, name)) for name in ("reason", "text", "next")}
            return replace(command, body=replace(body, **words))
        case _:
            return command


Item = requests.ItemReport | requests.FinishedItem


def _item(item: Item, hand: Hand) -> Item:
    """Without an id and a row, an item is known again by a MAC, where its plain digest would tell its value."""
    if not (hand.marks.items or hand.marks.problem):
        return item
    known = item_id(item) if item.id is not None or item.row is not None else None
    return replace(
        item,
        id=known or hand.known_again(msgspec.json.encode(item)).hex()[:16],
        value=hand.value(ITEM_VALUE, item.value) if hand.marks.items else item.value,
        reason=hand.text("reason", item.reason) if hand.marks.problem else item.reason,
    )


def _result(result: StoredResult, hand: Hand) -> StoredResult:
    """All of it but what says how to fetch it: the upload's id and the size."""
    return replace(
        result,
        inline=hand.value(f"{RESULT}.inline", result.inline),
        name=hand.text(f"{RESULT}.name", result.name),
        href=hand.text(f"{RESULT}.href", result.href),
        sha256=hand.text(f"{RESULT}.sha256", result.sha256),
    )
