"""Where commands are hidden and jobs revealed with the keys that are there now. No plain key outlives the call."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from eventstore.postgres import Connection
from eventstore.private import files, keys
from eventstore.private.keys import TENANT_ITSELF, Masters, Person
from eventstore.private.stream import Lock
from projections.status.read import ItemRow
from schemas.commands import Assignment, Command, ErasePerson, Outcome, SubmitJob
from schemas.job import Job
from schemas.jobtypes import JobType
from schemas.states import ACTIVE, visible
from services.jobs.dedupe import request_digest
from services.jobs.working import Working
from services.private.hide import hidden, kind_of, owner_of, private_digest
from services.private.reveal import Glass, revealed, revealed_assignment, revealed_items

T = TypeVar("T")

# By the primary key. A definition is written without its defaults, so only types with private fields have the word.
_ANY_PRIVATE = """select exists (select from types
    where partition = $1 and tenant = $2 and position('"private":'::bytea in definition) > 0)"""

# By jobs_owner.
_OPEN = "select id::text from jobs where partition = $1 and tenant = $2 and owner = $3 and state = any ($4)"
_OPEN_STATES = sorted({visible(phase).value for phase in ACTIVE})


class Vault:
    """`setting`: the master keys; without it the log's own."""

    def __init__(self, setting: str | None = None) -> None:
        self._setting = setting

    async def masters(self, conn: Connection) -> Masters:
        return await keys.masters(conn, self._setting)

    async def check(self, conn: Connection) -> None:
        """Every person's key can be unwrapped. Raises BadMasterKey."""
        await keys.check(conn, await self.masters(conn))

    async def rewrap(self, conn: Connection) -> int:
        """Wrap each by the present master key. Answers how many were not."""
        return await keys.rewrap(conn, await self.masters(conn))

    async def hide(self, conn: Connection, work: Working, commands: Sequence[Command]) -> list[Command]:
        """The same commands, ready to be decided. Runs in the append's transaction, under the head's lock."""
        by, partition = await self.masters(conn), work.batch.partition
        private = {n: kind for n, command in enumerate(commands) if (kind := kind_of(work, command))}
        made = {owner_of(work, commands[n]) for n in private if isinstance(commands[n], SubmitJob)}
        tenants = {(commands[n].tenant, TENANT_ITSELF) for n in private}
        people = await keys.find_or_make(conn, partition, made | tenants, by, work.now)
        people |= await keys.find(conn, partition, {owner_of(work, commands[n]) for n in private} - made, by)
        done: list[Command] = []
        for n, command in enumerate(commands):
            if isinstance(command, ErasePerson):
                done.append(await self._erasing(conn, partition, command))
            elif kind := private.get(n):
                done.append(hidden(work, command, kind, people))
            else:
                done.append(command)
        return done

    async def _erasing(self, conn: Connection, partition: int, command: ErasePerson) -> ErasePerson:
        """What there is to erase."""
        person = command.tenant, command.owner
        known = await keys.exists(conn, partition, *person)
        rows = await conn.fetch(_OPEN, partition, *person, _OPEN_STATES)
        own = await files.ending(conn, partition, *person)
        return replace(command, known=known, jobs=tuple(row["id"] for row in rows), files=tuple(own))

    async def name(self, conn: Connection, partition: int, uses: Collection[files.Use]) -> set[str]:
        """Put on record whose the named files are. Answers those that are gone. Runs in the append's transaction."""
        return await files.name(conn, partition, uses, partial(self.masters, conn))

    async def any_private(self, conn: Connection, partition: int, tenant: str) -> bool:
        """Whether any job type of the tenant has private fields."""
        return bool(await conn.fetchval(_ANY_PRIVATE, partition, tenant))

    async def digest(self, conn: Connection, partition: int, kind: JobType, command: SubmitJob) -> str | None:
        """What makes a request the same as another, for who only asks."""
        if not kind.private:
            return request_digest(kind, command.tenant, command.body, command.uploads)
        place = command.tenant, TENANT_ITSELF
        found = await keys.find(conn, partition, [place], await self.masters(conn))
        return private_digest(kind, command, found[place].key) if place in found else None

    async def revealed(self, conn: Connection, partition: int, jobs: Sequence[Job]) -> list[Job]:
        """The jobs with their private fields readable, or said to be removed."""
        if not any(job.definition.private and job.veil is None for job in jobs):
            return list(jobs)
        glasses = await self._glasses(conn, partition, jobs)
        return [revealed(glass) if glass else job for glass, job in zip(glasses, jobs, strict=True)]

    async def revealed_items(
        self, conn: Connection, partition: int, job: Job, items: Sequence[ItemRow], instead: str
    ) -> list[ItemRow]:
        if not job.definition.private:
            return list(items)
        (glass,) = await self._glasses(conn, partition, [replace(job, veil=None)])
        return revealed_items(glass, items, instead) if glass else list(items)

    async def new_key(
        self, conn: Connection, partition: int, tenant: str, upload: str, owner: str | None, *, ageless: bool = False
    ) -> bytes:
        """The key of a file that no job names yet. Every file is encrypted: which job will name it, nobody knows."""
        by = await self.masters(conn)
        return await files.new_key(conn, partition, tenant, upload, by, owner=owner, ageless=ageless)

    async def lock(self, conn: Connection, partition: int, tenant: str, upload: str, size: int) -> Lock | None:
        """What an encrypted upload is read with; None where its keys were destroyed."""
        found = await files.find(conn, partition, tenant, [upload], await self.masters(conn))
        return Lock(found[upload], files.bound(tenant, upload), size) if upload in found else None

    async def filled(self, conn: Connection, partition: int, answers: Sequence[T]) -> list[T]:
        """The same answers, their assignments as workers need them."""
        taken = [
            a for each in answers if isinstance(each, Outcome) for a in each.assignments if a.job.definition.private
        ]
        if not taken:
            return list(answers)
        glasses = await self._glasses(conn, partition, [each.job for each in taken])
        plain = {a.job.id: revealed_assignment(glass, a) for glass, a in zip(glasses, taken, strict=True) if glass}
        return [_filled(each, plain) for each in answers]

    async def _glasses(self, conn: Connection, partition: int, jobs: Sequence[Job]) -> list[Glass | None]:
        """One query for all of them; None for a job that has nothing private."""
        owners: set[Person] = {(job.tenant, job.owner) for job in jobs if job.definition.private}
        found = await keys.find(conn, partition, owners, await self.masters(conn)) if owners else {}
        glasses: list[Glass | None] = []
        for job in jobs:
            holder = found.get((job.tenant, job.owner))
            key = holder.key if holder and holder.made_at <= job.created_at else None
            glasses.append(Glass(key, job) if job.definition.private and job.veil is None else None)
        return glasses


def _filled(answer: T, plain: dict[str, Assignment]) -> T:
    if not isinstance(answer, Outcome) or not answer.assignments:
        return answer
    return replace(answer, assignments=tuple(plain.get(a.job.id, a) for a in answer.assignments))
