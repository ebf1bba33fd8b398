"""What a batch of commands must read before it can be decided: the bind values of load.sql."""

import contextlib
from collections.abc import Iterable, Mapping

import rfc8785
from msgspec import Struct, field

from schemas import requests
from schemas.commands import (
    CancelJob,
    ClaimJobs,
    Command,
    DefineType,
    ErasePerson,
    RecordRead,
    ReportWork,
    RetryJob,
    StateEstimate,
    SubmitJob,
    TimeCame,
)
from schemas.jobtypes import Definition
from services.jobs.dedupe import digest_of
from services.jobs.reports import item_id

Types = Mapping[tuple[str, str], tuple[int, Definition]]


class Needs(Struct):
    jobs: set[str] = field(default_factory=set)
    memories: set[tuple[str, str]] = field(default_factory=set)
    keys: set[tuple[str, str, str]] = field(default_factory=set)
    types: set[tuple[str, str]] = field(default_factory=set)
    items: set[tuple[str, str]] = field(default_factory=set)
    retried: set[str] = field(default_factory=set)
    queues: dict[tuple[str, str], int] = field(default_factory=dict)
    tenants: set[str] = field(default_factory=set)
    digested: set[tuple[str, str]] = field(default_factory=set)  # types whose dedupe rule was used
    digests: dict[str, str | None] = field(default_factory=dict)  # by the id that a submit's job would get

    @classmethod
    def of(cls, commands: Iterable[Command], types: Types, jobs: Iterable[str] = ()) -> "Needs":
        """`types`: the definitions last seen. A digest made by an old one is found out by the handler."""
        needs = cls(jobs=set(jobs))
        for command in commands:
            needs.keys |= {(command.tenant, key.call, key.key) for key in command.keys}
            with contextlib.suppress(rfc8785.CanonicalizationError):  # its own decision says so; its neighbours go on
                needs._add(command, types)
        return needs

    def _add(self, command: Command, types: Types) -> None:
        match command:
            case SubmitJob():
                self._submit(command, types)
            case ClaimJobs():
                self._claim(command)
            case ReportWork():
                self.jobs.add(command.job)
                self._items(command)
            case RetryJob():
                self.jobs.add(command.job)
                self.retried.add(command.job)
            case CancelJob() | TimeCame() | StateEstimate():
                self.jobs.add(command.job)
            case DefineType():
                self.types.add((command.tenant, command.name))
            case ErasePerson():
                self.tenants.add(command.tenant)
                self.jobs |= set(command.jobs)
            case RecordRead():
                self.tenants.add(command.tenant)
            case _:
                raise TypeError(f"no such command: {type(command).__name__}")

    def _claim(self, command: ClaimJobs) -> None:
        """Of many tenants twice a fair part of each is enough: whoever wants more claims again at once."""
        tenants = len(command.tenants) or 1
        most = min(command.max, -(-2 * command.max // tenants))
        for kind in command.kinds:
            self.types.add(kind)
            self.queues[kind] = self.queues.get(kind, 0) + most

    def _submit(self, command: SubmitJob, types: Types) -> None:
        name = command.tenant, command.body.type
        self.types.add(name)
        self.digested.add(name)
        known = types.get(name)
        if known is None:
            return
        digest = digest_of(known[1], command)
        self.digests[command.job] = digest
        if digest:
            self.memories.add((command.tenant, digest))

    def _items(self, command: ReportWork) -> None:
        named: Iterable[requests.ItemReport | requests.FinishedItem] = ()
        match command.body:
            case requests.Problems(items=items):
                named = items
            case requests.Finish(items=list() as items):
                named = items
            case _:
                pass
        self.items |= {(command.job, item_id(item)) for item in named}

    def params(self) -> list[object]:
        """Everything after the partition."""
        memories, keys, types = list(self.memories), list(self.keys), list(self.types)
        items, queues = list(self.items), list(self.queues)
        return [
            list(self.jobs),
            [tenant for tenant, _ in memories],
            [bytes.fromhex(key) for _, key in memories],
            [tenant for tenant, _, _ in keys],
            [call for _, call, _ in keys],
            [key for _, _, key in keys],
            [tenant for tenant, _ in types],
            [name for _, name in types],
            [job for job, _ in items],
            [item for _, item in items],
            list(self.retried),
            [tenant for tenant, _ in queues],
            [name for _, name in queues],
            [self.queues[queue] for queue in queues],
            list(self.tenants),
        ]
