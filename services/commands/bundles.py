"""`tidings audit prove` and `check-bundle`: one job's history for whoever has neither the service nor the database."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from eventstore.audit import bundle
from eventstore.audit.bundle import BadBundle, Proved
from eventstore.audit.checkpoints import Makers
from eventstore.audit.notes import PublicKey
from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from schemas.events import AuditRead
from schemas.messages import LANGUAGES
from services.commands.database import opened, servers
from services.commands.own_jobs import known_tenant, no_job, recorded_read
from services.settings import variable

_FIND = "select id::text from jobs where partition = $1 and tenant = $2 and (ref = upper($3) or id::text = lower($3))"


async def prove(data: Path | None, job: str, tenant: str | None, since: str | None, out: Path | None) -> int:
    """Writes the bundle, after a checkpoint of all that is there now. Exit 1: there is no such job."""
    async with servers(data) as found, opened(found.database_url) as pool:
        whose = await known_tenant(pool, tenant)
        id_ = await find_job(pool, whose, job)
        if id_ is None:
            print(no_job(LANGUAGES[0], whose, job), file=sys.stderr)
            return 1
        await recorded_read(pool, found.database_url, whose, AuditRead(what="prove", job=id_))
        made = await _made(pool, whose, id_, since)
    _write(made, out)
    return 0


def _write(made: bundle.Bundle, out: Path | None) -> None:
    raw = msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"
    if out is None:
        sys.stdout.buffer.write(raw)
        return
    out.write_bytes(raw)
    print(
        f"{out} proves all {len(made.events)} events of job {_named(made)}.\n"
        f"Whoever has the file checks it without this service: tidings audit check-bundle {out}",
        file=sys.stderr,
    )


class _Told(Struct, frozen=True):
    ref: str = ""


class _First(Struct, frozen=True):
    data: _Told = _Told()


def _named(proven: bundle.Bundle) -> str:
    """As people know it: the reference stands in the first event, proven as all else is; and the id of the bundle."""
    ref = msgspec.json.decode(proven.events[0].line, type=_First).data.ref
    return f"{ref} ({proven.job})" if ref else proven.job


async def _made(pool: Pool, tenant: str, job: str, older: str | None) -> bundle.Bundle:
    count = await pool.fetchval("select count(*) from heads")
    partition = partition_of(tenant, count)
    makers = Makers(pool, count, os.environ.get(variable("checkpoint_key")))
    (checkpoint,) = await makers.make([partition])
    async with pool.acquire() as conn:
        return await bundle.make(conn, checkpoint, await makers.public_key(), tenant, job, older)


async def find_job(pool: Pool, tenant: str, job: str) -> str | None:
    """A job's id, by its reference or its id."""
    partition = partition_of(tenant, await pool.fetchval("select count(*) from heads"))
    found: str | None = await pool.fetchval(_FIND, partition, tenant, job)
    return found


async def check(raw: bytes, key: Sequence[str], *, as_json: bool) -> int:
    """Exit 0: it proves what it says, 1: it does not."""
    pinned = [PublicKey.read(text) for text in key]
    try:
        given = bundle.read(raw)
        proved = bundle.check(given, pinned)
    except BadBundle as error:
        words = f"The bundle {error}.\nTrust nothing in it, and ask for a new one: `tidings audit prove JOB` makes it."
        print(msgspec.json.encode({"ok": False, "detail": str(error)}).decode() if as_json else words)
        return 1
    body = {"ok": True, **msgspec.structs.asdict(proved)}
    print(msgspec.json.encode(body).decode() if as_json else _words(proved, _named(given), named=bool(pinned)))
    return 0


def _words(proved: Proved, job: str, *, named: bool) -> str:
    said = [
        f"All {proved.events} events of job {job} are in the log {proved.origin}.",
        f"The checkpoint covers {proved.size:,} events.",
        f"Signed by {', '.join(proved.signed_by)}.",
    ]
    if proved.begins_with is not None:
        said.append(f"The log still begins with the {proved.begins_with:,} events of the older checkpoint.")
    if not named:
        said.append("This key came with the bundle: compare it with one that you have from elsewhere (--key).")
    return "\n".join(said)
