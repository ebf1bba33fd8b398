"""Every setting in one place: read once from `TIDINGS_*` variables, each with unit, bounds, default and reason.

docs/settings.md is generated from this Struct (`make docs`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

PREFIX = "TIDINGS_"
KIB, MIB, GIB = 1024, 1024**2, 1024**3

SERVERS = {"role": "Servers and places"}
API = {"role": "API"}
STREAMS = {"role": "Live status"}
LOG = {"role": "Event log"}
NATS = {"role": "NATS"}
WORK = {"role": "Jobs and workers"}


class BadSetting(Exception):
    """A variable that can't be used; says which, why, and what it may be."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The service's settings. A field `name` is the variable `TIDINGS_NAME`."""

    database_url: Annotated[
        str,
        Meta(
            title="URL",
            pattern="^postgres(ql)?://",
            description="PostgreSQL, as the role that owns the database. The log lives there.",
            extra=SERVERS,
        ),
    ]
    nats_url: Annotated[
        str | None,
        Meta(
            title="URL", description="NATS with JetStream. Without one, events stay in PostgreSQL alone.", extra=SERVERS
        ),
    ] = None
    data: Annotated[
        str | None,
        Meta(
            title="folder", description="Where an embedded stack lives; commands find theirs by it too.", extra=SERVERS
        ),
    ] = None
    files_url: Annotated[
        str,
        Meta(
            title="URL",
            pattern="^(file|s3|gs|az|memory)://",
            description="Uploads and results. Empty: the folder `files` below `data`.",
            extra=SERVERS,
        ),
    ] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(title="level", description="How much the service tells on stderr.", extra=SERVERS),
    ] = "info"

    host: Annotated[
        str, Meta(title="address", description="Where the API listens. Open it to others knowingly.", extra=API)
    ] = "127.0.0.1"
    port: Annotated[
        int, Meta(title="port", ge=0, le=65535, description="Where the API listens; 0 takes any free one.", extra=API)
    ] = 8080
    public_url: Annotated[
        str | None,
        Meta(title="URL", description="How people reach the API, where that differs from where it listens.", extra=API),
    ] = None
    demo_page: Annotated[
        bool,
        Meta(title="true/false", description="/demo, open to everybody; its workers are needed too.", extra=API),
    ] = False
    allowed_origins: Annotated[
        str,
        Meta(
            title="origins",
            pattern=r"^$|^(https?://[^/,\s*]+)(,https?://[^/,\s*]+)*$",
            description="Product pages on other origins that may embed the screens, such as `https://shop.example`; "
            "more after a comma. Empty: none.",
            extra=API,
        ),
    ] = ""
    json_body_max_bytes: Annotated[
        int, Meta(title="bytes", ge=KIB, le=16 * MIB, description="A JSON body. NATS carries the same.", extra=API)
    ] = MIB
    batch_body_max_bytes: Annotated[
        int, Meta(title="bytes", ge=KIB, le=64 * MIB, description="The JSON body of a batch.", extra=API)
    ] = 16 * MIB
    request_max_bytes: Annotated[
        int,
        Meta(
            title="bytes",
            ge=KIB,
            le=256 * KIB,
            description="A job's input and settings together: they must fit in one event.",
            extra=API,
        ),
    ] = 256 * KIB
    batch_max_jobs: Annotated[
        int, Meta(title="jobs", ge=1, le=1000, description="Jobs in one batch: they share a transaction.", extra=API)
    ] = 1000
    upload_max_bytes: Annotated[
        int, Meta(title="bytes", ge=1, le=1024 * GIB, description="One uploaded file; it is streamed.", extra=API)
    ] = 10 * GIB
    upload_unnamed_s: Annotated[
        int,
        Meta(
            title="seconds",
            ge=60,
            le=31_536_000,
            description="After it a file that no job has named is removed: nobody can tell whose it is.",
            extra=API,
        ),
    ] = 86_400
    link_ttl_s: Annotated[
        int,
        Meta(title="seconds", ge=10, le=86_400, description="How long a signed download link works.", extra=API),
    ] = 900
    idempotency_keep_s: Annotated[
        int,
        Meta(title="seconds", ge=60, le=2_592_000, description="How long an Idempotency-Key is remembered.", extra=API),
    ] = 604_800

    long_poll_max_s: Annotated[
        float, Meta(title="seconds", ge=0, le=300, description="The longest `wait`; proxies cut later.", extra=STREAMS)
    ] = 30.0
    sse_keepalive_s: Annotated[
        float,
        Meta(title="seconds", ge=1, le=60, description="A comment that keeps a quiet stream open.", extra=STREAMS),
    ] = 15.0
    sse_streams_max: Annotated[
        int,
        Meta(title="streams", ge=1, le=1_000_000, description="Open streams in one process: memory.", extra=STREAMS),
    ] = 10_000

    partitions: Annotated[
        Literal[1, 2, 4, 8, 16, 32, 64, 128, 256],
        Meta(title="partitions", description="How many logs share the load; fixed once they exist.", extra=LOG),
    ] = 1
    pool_size: Annotated[
        int,
        Meta(title="connections", ge=2, le=200, description="To PostgreSQL, from one process.", extra=LOG),
    ] = 8
    append_batch_max: Annotated[
        int,
        Meta(title="commands", ge=1, le=4096, description="One append: bounds the time of its lock.", extra=LOG),
    ] = 512
    append_queue_max: Annotated[
        int,
        Meta(title="commands", ge=1, le=1_000_000, description="Waiting commands; beyond, 503 and retry.", extra=LOG),
    ] = 8192
    checkpoint_every_s: Annotated[
        float,
        Meta(title="seconds", ge=0.1, le=5, description="At most one signed checkpoint of a partition.", extra=LOG),
    ] = 3.0
    checkpoint_key: Annotated[
        str | None,
        Meta(
            title="keys",
            description="Signs checkpoints: 32 bytes in base64, an old key after a comma. Empty: the log's own.",
            extra=LOG,
        ),
    ] = None
    archive_url: Annotated[
        str | None,
        Meta(title="URL", description="Old lines of the log. Empty: `.archive` beside uploads and results.", extra=LOG),
    ] = None
    archive_after_s: Annotated[
        int,
        Meta(
            title="seconds",
            ge=0,
            le=3_153_600_000,
            description="After a job's end its lines go to an archive, where its type has no `keep`. 0: never.",
            extra=LOG,
        ),
    ] = 0
    archive_every_s: Annotated[
        float, Meta(title="seconds", ge=1, le=604_800, description="Between two looks for old lines.", extra=LOG)
    ] = 3600.0
    archive_events_max: Annotated[
        int, Meta(title="events", ge=100, le=10_000_000, description="In one file of the archive.", extra=LOG)
    ] = 65_536
    private_key: Annotated[
        str | None,
        Meta(
            title="keys",
            description="Wraps persons' keys: 32 bytes in base64, old ones after commas. Empty: kept in the database.",
            extra=LOG,
        ),
    ] = None
    checkpoints_url: Annotated[
        str | None,
        Meta(
            title="URL",
            description="Where checkpoints are kept as well, out of reach of whoever changes the database.",
            extra=LOG,
        ),
    ] = None
    verify_every_s: Annotated[
        float,
        Meta(title="seconds", ge=0.1, le=86_400, description="Role verifier: pause between comparisons.", extra=LOG),
    ] = 30.0
    net_s: Annotated[
        float,
        Meta(title="seconds", ge=0.05, le=60, description="The look that catches a lost wake-up or stream.", extra=LOG),
    ] = 1.0

    waits_snapshot_s: Annotated[
        float,
        Meta(
            title="seconds", ge=1, le=86_400, description="Between snapshots of what was learnt about waits.", extra=LOG
        ),
    ] = 60.0
    waits_snapshot_events: Annotated[
        int,
        Meta(title="events", ge=1, le=10_000_000, description="Or sooner: a restart reads at most these.", extra=LOG),
    ] = 50_000

    nats_replicas: Annotated[
        Literal[1, 3, 5],
        Meta(title="copies", description="Of each stream. 3 outlives the loss of a NATS server.", extra=NATS),
    ] = 1
    relay_window: Annotated[
        int,
        Meta(title="events", ge=2, le=8192, description="Sent ahead of NATS' answer; it takes 10,000.", extra=NATS),
    ] = 4096
    cloudevents: Annotated[
        bool,
        Meta(title="true/false", description="CloudEvents 1.0 headers on every event in NATS.", extra=NATS),
    ] = False
    status_ttl_s: Annotated[
        int,
        Meta(
            title="seconds", ge=1, le=2_592_000, description="An ended job's status stays in NATS so long.", extra=NATS
        ),
    ] = 600

    nats_waits_jobs: Annotated[
        int,
        Meta(
            title="jobs",
            ge=0,
            le=10_000,
            description="Open jobs of a partition whose waits are looked at in a second, to tell NATS; 0 tells none.",
            extra=NATS,
        ),
    ] = 200

    claim_max: Annotated[
        int, Meta(title="jobs", ge=1, le=4096, description="Jobs handed out by one claim.", extra=WORK)
    ] = 512
    problems_max_items: Annotated[
        int, Meta(title="items", ge=1, le=1000, description="Failed items in one report.", extra=WORK)
    ] = 1000

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings, or say which variable is wrong; an empty variable counts as missing."""
        values = {
            field.name: _convert(field, value)
            for field in msgspec.structs.fields(cls)
            if (value := environ.get(variable(field.name), ""))
        }
        if "database_url" not in values:
            raise BadSetting(f"{variable('database_url')} is missing: the URL of a PostgreSQL database.")
        folder = Path(environ.get(variable("data")) or ".tidings").expanduser().resolve() / "files"
        return msgspec.convert({"files_url": folder.as_uri(), **values}, cls)


def variable(name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + name.upper()


def _convert(field: msgspec.structs.FieldInfo, value: str) -> str | int | float | None:
    try:
        converted: str | int | float | None = msgspec.convert(value, field.type, strict=False)
    except msgspec.ValidationError as error:
        shown = "what it is" if field.name.endswith("_url") else repr(value)  # a URL may carry a password
        raise BadSetting(f"{variable(field.name)} can't be {shown}: {str(error).lower()}.") from None
    return converted
