"""`tidings audit replay JOB`: its story in plain words, from its events alone, with what the screen said after each."""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from typer import BadParameter

from eventstore import read
from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from projections.status.fold import fold
from projections.status.view import render
from schemas.envelope import Recorded, time_text
from schemas.events import AuditRead
from schemas.job import Job
from schemas.messages import LANGUAGES, say
from schemas.views import JobView
from services.commands.bundles import find_job
from services.commands.database import opened, servers
from services.commands.happened import happened, who
from services.commands.own_jobs import known_tenant, no_job, recorded_read
from services.commands.target import master_key
from services.commands.words import lines
from services.private.vault import Vault


class Step(Struct, frozen=True):
    """One event, who did it from where, and the screen behind it."""

    at: str
    actor: str
    who: str
    trace: str | None
    event: str
    happened: str
    view: JobView


async def replay(
    data: Path | None, job: str, tenant: str | None, at: datetime | None, language: str, *, as_json: bool
) -> int:
    """Exit 1: there is no such job, or it had not begun by then."""
    async with servers(data) as found, opened(found.database_url) as pool:
        whose = await known_tenant(pool, tenant)
        id_ = await find_job(pool, whose, job)
        if id_ is not None:
            until = time_text(at) if at else None
            await recorded_read(pool, found.database_url, whose, AuditRead(what="replay", job=id_, until=until))
        told = await story(pool, whose, id_, at, language, Vault(master_key(data))) if id_ else []
    if not told:
        print(say(language, "told-none-yet", {"job": job}) if id_ else no_job(language, whose, job))
        return 1
    for step in told[-1:] if at else told:
        print(msgspec.json.encode(step).decode() if as_json else _words(step))
    return 0


async def story(
    pool: Pool, tenant: str, job: str, at: datetime | None, language: str, vault: Vault | None = None
) -> list[Step]:
    """Every event up to a moment, folded by the same code as the live screen. `vault`: reads what is private."""
    folded: Job | None = None
    told: list[Step] = []
    partition = partition_of(tenant, await pool.fetchval("select count(*) from heads"))
    while True:
        async with pool.acquire() as conn:
            page = await read.read_stream(conn, partition, tenant, job, folded.version if folded else 0)
        for each in page:
            if at and each.recorded_at > at:
                return told
            folded = fold(folded, each)
            told.append(_step(each, await _seen(pool, partition, folded, vault), language))
        if not page:
            return told


async def _seen(pool: Pool, partition: int, job: Job, vault: Vault | None) -> Job:
    if vault is None or not job.definition.private:
        return job
    async with pool.acquire() as conn:
        return (await vault.revealed(conn, partition, [job]))[0]


def _step(recorded: Recorded, job: Job, language: str) -> Step:
    return Step(
        at=time_text(recorded.recorded_at),
        actor=str(recorded.actor),
        who=who(language, recorded.actor),
        trace=recorded.traceparent,
        event=recorded.type,
        happened=happened(language, recorded, job),
        view=render(job, language, as_of=recorded.recorded_at),
    )


def _words(step: Step) -> str:
    source = f"  ({step.trace})" if step.trace else ""
    screen = "\n    ".join(lines(step.view))
    return f"{step.at}  {step.who}{source}\n  {step.happened}\n  → {step.view.label}: {screen}"


def moment(text: str | None) -> datetime | None:
    """Raises BadParameter."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadParameter(f"{text!r} is no time with its zone: write it as 2026-11-24T09:30:00Z.")
    return found


def spoken(language: str) -> str:
    """Raises BadParameter."""
    if language not in LANGUAGES:
        raise BadParameter(f"{language!r} is not spoken here: there are {', '.join(LANGUAGES)}.")
    return language
