"""`tidings audit prove` and `check-bundle`: one job's history for whoever has neither the service nor the database."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from eventstore.audit import bundle
from eventstore.audit.bundle import BadBundle, Proved
from eventstore.audit.checkpoints import Makers
from eventstore.audit.notes import PublicKey
from eventstore.partitions import partition_of
from eventstore.postgres import Pool
from schemas.events import AuditRead
from services.commands.database import opened, servers
from services.commands.own_jobs import recorded_read, tenant_of
from services.settings import variable

_FIND = "select id::text from jobs where partition = $1 and tenant = $2 and (ref = upper($3) or id::text = lower($3))"


async def prove(data: Path | None, job: str, tenant: str | None, since: str | None, out: Path | None) -> int:
    """Writes the bundle, after a checkpoint of all that is there now. Exit 1: there is no such job."""
    whose = tenant_of(tenant)
    async with servers(data) as found, opened(found.database_url) as pool:
        id_ = await find_job(pool, whose, job)
        if id_ is None:
            print(f"{whose} has no job {job}.", file=sys.stderr)
            return 1
        await recorded_read(pool, found.database_url, whose, AuditRead(what="prove", job=id_))
        made = await _made(pool, whose, id_, since)
    raw = msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"
    _write(raw, out)
    return 0


def _write(raw: bytes, out: Path | None) -> None:
    if out:
        out.write_bytes(raw)
    else:
        sys.stdout.buffer.write(raw)


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
        proved = bundle.check(bundle.read(raw), pinned)
    except BadBundle as error:
        print(msgspec.json.encode({"ok": False, "detail": str(error)}).decode() if as_json else f"The bundle {error}.")
        return 1
    body = {"ok": True, **msgspec.structs.asdict(proved)}
    print(msgspec.json.encode(body).decode() if as_json else _words(proved, named=bool(pinned)))
    return 0


def _words(proved: Proved, *, named: bool) -> str:
    said = [
        f"All {proved.events} events of job {proved.job} are in the log {proved.origin}.",
        f"The checkpoint covers {proved.size:,} events.",
        f"Signed by {', '.join(proved.signed_by)}.",
    ]
    if proved.begins_with is not None:
        said.append(f"The log still begins with the {proved.begins_with:,} events of the older checkpoint.")
    if not named:
        said.append("This key came with the bundle: compare it with one that you have from elsewhere (--key).")
    return "\n".join(said)
