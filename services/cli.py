"""The `tidings` command. Each command's code is imported when it runs, so that every one starts at once."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    help="Long jobs that tell the truth.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
projections = typer.Typer(help="Rebuild what is shown from the log, or prove that it is right.", no_args_is_help=True)
keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
relay = typer.Typer(help="See how NATS stands against the log, or mend it.", no_args_is_help=True)
audit = typer.Typer(help="Prove that the history was not changed; read, replay and export it.", no_args_is_help=True)
waits = typer.Typer(help="How well the stated waits hold.", no_args_is_help=True)
app.add_typer(projections, name="projections")
app.add_typer(audit, name="audit")
app.add_typer(relay, name="relay")
app.add_typer(keys, name="keys")
app.add_typer(waits, name="waits")

HELD, DID_NOT_HOLD, COULD_NOT_RUN = 0, 1, 2

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The stack's folder [env TIDINGS_DATA].")]
Json = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
Key = Annotated[list[str], typer.Option("--key", metavar="KEY", help="A public key that must have signed.")]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose keys.")]


@app.command()
def up(
    data: Data = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the API listens; 0 = any free port.")] = 8080,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Without the demo's workers.")] = False,
    as_json: Json = False,  # its one line on stdout is JSON in any case
) -> None:
    """Start the whole stack on this machine; ends on Ctrl-C."""
    from services.commands.up import up as run

    _finish(run(data, port, with_demo=not no_demo))


@app.command()
def serve(
    roles: Annotated[
        str, typer.Option(help="Which parts run in this process; also: verifier.")
    ] = "api,relay,projector,orchestrator",
    as_json: Json = False,
) -> None:
    """Run parts of the service on given servers (TIDINGS_DATABASE_URL, TIDINGS_NATS_URL)."""
    from services.commands.serve import serve as run

    _finish(run(roles))


@app.command()
def demo(data: Data = None, as_json: Json = False) -> None:
    """Run three real jobs from click to result."""
    from services.commands.demo import demo as run

    _finish(run(data, as_json=as_json))


@app.command()
def jobs(
    data: Data = None,
    owner: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Only of this job type.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    query: Annotated[str | None, typer.Option("--q", help="Part of a title, or a job's reference.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """List jobs, newest first."""
    from services.commands.jobs import list_jobs

    filters = {"owner": owner, "type": type_, "state": state, "q": query, "limit": str(limit)}
    _finish(list_jobs(data, {name: value for name, value in filters.items() if value}, as_json=as_json))


@app.command()
def watch(
    job: Annotated[str, typer.Argument(help="A job's reference (EX-7F3K9MQ2) or id.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Follow one job to its end; exit 1 where it ends without its result."""
    from services.commands.watch import watch as run

    _finish(run(data, job, as_json=as_json))


@app.command()
def types(data: Data = None, as_json: Json = False) -> None:
    """List the job types."""
    from services.commands.jobs import list_types

    _finish(list_types(data, as_json=as_json))


@projections.command()
def rebuild(data: Data = None, as_json: Json = False) -> None:
    """Build every projection anew beside the live one, then swap; the service runs on."""
    from services.commands.projections import rebuild as run

    _finish(run(data, as_json=as_json))


@projections.command()
def verify(
    data: Data = None,
    follow: Annotated[bool, typer.Option("--follow", help="Again and again, until it does not hold.")] = False,
    as_json: Json = False,
) -> None:
    """Prove that the live projections equal rebuilt ones; exit 1 with the differences otherwise."""
    from services.commands.projections import verify as run

    _finish(run(data, follow=follow, as_json=as_json))


@projections.command()
def repair(data: Data = None, as_json: Json = False) -> None:
    """Mend every row that is not what the log says, while the service runs; exit 1 where some still differ."""
    from services.commands.projections import repair as run

    _finish(run(data, as_json=as_json))


@audit.command("verify")
def audit_verify(
    data: Data = None,
    notes: Annotated[
        list[Path], typer.Option("--notes", metavar="PATH", help="Checkpoints kept elsewhere: a file or a folder.")
    ] = [],  # noqa: B006 - typer copies it
    key: Key = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Check every event, head and checkpoint; exit 1 with the first bad event otherwise."""
    from services.commands.audit import verify as run

    _finish(run(data, notes, key, as_json=as_json))


@audit.command()
def prove(
    job: Annotated[str, typer.Argument(help="A job's reference (EX-7F3K9MQ2) or id.")],
    data: Data = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose job [env TIDINGS_TENANT].")] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="FILE", help="A checkpoint: prove also that the log begins with it."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="By default stdout.")] = None,
    as_json: Json = False,  # a bundle is JSON in any case
) -> None:
    """Write a bundle that proves a job's history to whoever has neither the service nor the database."""
    from services.commands.bundles import prove as run

    _finish(run(data, job, tenant, since.read_text() if since else None, out))


@audit.command()
def replay(
    job: Annotated[str | None, typer.Argument(help="A job's reference (EX-7F3K9MQ2) or id.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="What the screen said then, such as 2026-11-24T09:30Z.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or de.")] = "en",
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose job [env TIDINGS_TENANT].")] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every job: is each shown as the log says?")] = False,
    into: Annotated[Path | None, typer.Option(metavar="DIR", help="With --all: where the reports go.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Tell a job's story in plain words, from its events alone; or replay all, and report what is shown otherwise."""
    from services.commands.replay import moment, spoken
    from services.commands.replay import replay as run
    from services.commands.replay_all import replay_all

    if whole and into and not job and not at:
        _finish(replay_all(data, tenant, into, spoken(language), as_json=as_json))
    if whole or into or not job:
        raise typer.BadParameter("Name one job, or say --all --into DIR.")
    _finish(run(data, job, tenant, moment(at), spoken(language), as_json=as_json))


@audit.command()
def export(  # noqa: PLR0917 - its options are given by name
    job: Annotated[str | None, typer.Option(help="Only this job's, by its reference or id.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Only events of this type, or of jobs of this type.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only from then on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only before then.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="By default stdout; a file is gone on with.")] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="ndjson or parquet; by default what the file's ending says.")
    ] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose lines [env TIDINGS_TENANT].")] = None,
    data: Data = None,
    as_json: Json = False,  # lines are JSON in any case
) -> None:
    """Write sealed lines as NDJSON or Parquet, byte for byte as they stand in the log."""
    from services.commands.export import NDJSON, form_of, lines_in
    from services.commands.export import export as run
    from services.commands.replay import moment

    if form_of(form, out) == NDJSON:
        _finish(run(data, tenant, job, type_, moment(since), moment(until), out, lines_in))
    from services.commands.parquet import rows_in

    _finish(run(data, tenant, job, type_, moment(since), moment(until), out, rows_in))


@audit.command()
def archive(
    older_than: Annotated[
        str | None,
        typer.Option(metavar="PERIOD", help="Also jobs whose type has no `keep`, ended so long ago: 90d, 12h."),
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", help="Give the room back to the disk; appends wait meanwhile.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Move old ranges of the log into compressed files; reading, replaying and verifying go on in them."""
    from services.commands.archive import archive as run

    _finish(run(data, older_than, compact=compact, as_json=as_json))


@audit.command()
def erase(
    owner: Annotated[str, typer.Option(help="Whose private data is forgotten for ever.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Whose owner this is [env TIDINGS_TENANT].")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Destroy a person's key: the history still verifies, and nothing private of theirs can be read any more."""
    from services.commands.erase import erase as run

    _finish(run(data, owner, tenant, as_json=as_json))


@audit.command("check-bundle")
def check_bundle(
    bundle: Annotated[Path, typer.Argument(metavar="FILE", exists=True, help="What `audit prove` wrote.")],
    key: Key = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Check a bundle offline; exit 1 where it does not prove what it says."""
    from services.commands.bundles import check as run

    _finish(run(bundle.read_bytes(), key, as_json=as_json))


@relay.command("status")
def relay_status(data: Data = None, as_json: Json = False) -> None:
    """Compare each stream in NATS with the log; exit 1 where one is not what the log says."""
    from services.commands.relay import status

    _finish(status(data, as_json=as_json))


@relay.command("resync")
def relay_resync(
    data: Data = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this one, whatever its state.")] = None,
    as_json: Json = False,
) -> None:
    """Make streams that went astray anew and fill them from the log; their consumers begin anew too."""
    from services.commands.relay import resync

    _finish(resync(data, partition, as_json=as_json))


@waits.command()
def evaluate(
    trace: Annotated[
        Path, typer.Argument(metavar="TRACE.csv.gz", help="Jobs with their times, as docs/waits.md says.")
    ],
    predictions: Annotated[Path | None, typer.Option(metavar="OUT.ndjson", help="Write what was stated here.")] = None,
    slots: Annotated[int, typer.Option(min=0, help="How many jobs run at once, if known; else it is learnt.")] = 0,
    as_json: Json = False,
) -> None:
    """Replay a trace through the model of the waits, and print how well what it states holds."""
    from services.commands.waits import evaluate as run

    _finish(run(trace, predictions, slots, as_json=as_json))


@waits.command("report")
def waits_report(data: Data = None, as_json: Json = False) -> None:
    """Print how well the waits held that were stated to people, by job type."""
    from services.commands.waits_report import report as run

    _finish(run(data, as_json=as_json))


@keys.command("create")
def create_key(
    tenant: Tenant,
    scopes: Annotated[str | None, typer.Option(help="Such as read,submit; by default all but admin.")] = None,
    expires: Annotated[str | None, typer.Option(help="Such as 90d, 12h or 30m; by default never.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    from services.commands.keys import create

    _finish(create(data, tenant, scopes, expires, as_json=as_json))


@keys.command("list")
def list_keys(tenant: Tenant, data: Data = None, as_json: Json = False) -> None:
    """List a tenant's keys, without the keys themselves."""
    from services.commands.keys import list_all

    _finish(list_all(data, tenant, as_json=as_json))


@keys.command("revoke")
def revoke_key(
    tenant: Tenant,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """End a key at once; exit 1 where no such key works."""
    from services.commands.keys import revoke

    _finish(revoke(data, tenant, key_id, as_json=as_json))


def _finish(command: Coroutine[None, None, int]) -> NoReturn:
    """Run a command on the fast loop and leave with its code."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        raise typer.Exit(runner.run(command))


def main() -> None:
    """The console script."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the border of the process: whatever the cause, the code says "could not run"
        from services.commands.failure import tell

        tell(error)
        sys.exit(COULD_NOT_RUN)
