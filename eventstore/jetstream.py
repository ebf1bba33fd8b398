"""NATS: a connection that comes back for ever, and the streams of the contract, made or brought up to date.

Any number of processes may do this at once: making a stream that is there with the same form is no error to NATS.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import msgspec
import structlog
from msgspec import Struct
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import PersistMode, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import APIError, NotFoundError

from eventstore.publishing import BulkClient
from schemas import subjects

log = structlog.get_logger()

# Seen while NATS restarts, elects a leader or can't be reached: wait and try again.
AWAY = (Error, OSError, TimeoutError)

PAYLOAD_MIN_BYTES = 1024 * 1024  # a whole JSON body, or the biggest event with its headers
MESSAGE_MAX_BYTES = 2 * PAYLOAD_MIN_BYTES
PENDING_MAX_BYTES = 8 * PAYLOAD_MIN_BYTES  # written but not yet taken by the socket; beyond, a publisher waits
CHECK_MAX_S = 3.0
CLOSE_MAX_S = 2.0
REJECTIONS_KEPT_S = 7 * 86_400
COMMAND_WINDOW_S = 0.1  # NATS' least: it would take two tenants' commands of one id for one, the log tells them apart

MADE_WITH = {"first_seq", "persist_mode"}  # said when a stream is made, and never changed
_NAME_IN_USE = 10058  # by a stream of another form


class _Server(Struct):
    id: str


class _About(Struct):
    server: _Server


_about = msgspec.json.Decoder(_About)


class UnfitNats(Exception):
    """This NATS can't carry what the contract allows; says what to change."""


async def connect(nats_url: str, name: str, *, on_lost: Callable[[], None] = lambda: None) -> BulkClient:
    """A client that is connected; where NATS is away, this waits for it. Several URLs are separated by commas.

    It reconnects for ever; `on_lost` is called each time the connection is gone, and once it is closed for good.
    """
    told = ""
    client = BulkClient()

    async def fail(error: Exception) -> None:
        nonlocal told  # a server that is away is tried again and again, but told once
        if (words := repr(error)) != told:
            log.warning("nats error", client=name, error=words)
        told = words

    async def disconnected() -> None:
        if not client.is_closed:
            log.warning("nats disconnected", client=name)
        on_lost()

    async def reconnected() -> None:
        nonlocal told
        told = ""
        log.info("nats reconnected", client=name)

    async def closed() -> None:
        on_lost()

    await client.connect(
        nats_url.split(","),
        name=name,
        error_cb=fail,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
        closed_cb=closed,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it only sleeps that long
        ping_interval=10,
        pending_size=PENDING_MAX_BYTES,
    )
    return client


async def close(client: BulkClient) -> None:
    """For good, in bounded time, whatever state the connection is in."""
    # A socket that has just died: uvloop's raises RuntimeError when nats-py still writes what was pending.
    with contextlib.suppress(*AWAY, RuntimeError):
        async with asyncio.timeout(CLOSE_MAX_S):
            await client.close()


def check_max_payload(client: BulkClient) -> None:
    """Raises UnfitNats where a message of the contract's size would be refused."""
    if client.max_payload < PAYLOAD_MIN_BYTES:
        raise UnfitNats(
            f"NATS takes messages of at most {client.max_payload:,} bytes, but Tidings sends up to "
            f"{PAYLOAD_MIN_BYTES:,}. Set max_payload: 2MB in the NATS server's configuration."
        )


async def check(nats_url: str) -> None:
    """Raises UnfitNats. A NATS that is away passes: whoever needs it waits for it, and checks then."""
    try:
        async with asyncio.timeout(CHECK_MAX_S):
            client = await connect(nats_url, "tidings-check")
    except AWAY as error:
        log.warning("nats does not answer yet", error=repr(error))
        return
    try:
        check_max_payload(client)
    finally:
        await close(client)


async def ensure_streams(
    js: JetStreamContext, partitions: int, replicas: int = 1, first_positions: Mapping[int, int] | None = None
) -> None:
    """Make or update every stream of the contract. `first_positions`: where a partition's stream begins if made now."""
    firsts = first_positions or {}
    for partition in range(partitions):
        await ensure_stream(js, events_config(partition, replicas, firsts.get(partition, 1)))
    for config in shared_configs(replicas):
        await ensure_stream(js, config)


def events_config(partition: int, replicas: int = 1, first_position: int = 1) -> StreamConfig:
    """A partition's events: sequence = position, so it begins at the log's first position.

    A single server need not sync each of them, as it does with commands: what it lost is sent again from the log, in
    the same places. Without that its disk takes 3,500 events a second (docs/performance.md). Once made, a stream keeps
    its mode.
    """
    return StreamConfig(
        name=subjects.events_stream(partition),
        subjects=[subjects.events(partition)],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msg_size=MESSAGE_MAX_BYTES,
        allow_direct=True,
        first_seq=first_position if first_position > 1 else None,
        persist_mode=_persist_mode(replicas),
    )


def _persist_mode(replicas: int) -> PersistMode | None:
    """For what the log has anyway and whoever sends it finds out that it is missing: docs/adr/007."""
    return PersistMode.ASYNC if replicas == 1 else None


def shared_configs(replicas: int = 1) -> list[StreamConfig]:
    """Every stream that all partitions share."""
    common = StreamConfig(
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        num_replicas=replicas,
        max_msg_size=MESSAGE_MAX_BYTES,
        allow_direct=True,
    )
    return [
        common.evolve(
            name=subjects.STATUS_STREAM,
            subjects=[subjects.all_of("status")],
            max_msgs_per_subject=1,
            allow_msg_ttl=True,
            allow_rollup_hdrs=True,
            persist_mode=_persist_mode(replicas),
        ),
        common.evolve(
            name=subjects.COMMANDS_STREAM,
            subjects=[subjects.all_of("commands")],
            retention=RetentionPolicy.WORK_QUEUE,
            duplicate_window=COMMAND_WINDOW_S,
        ),
        common.evolve(
            name=subjects.REJECTIONS_STREAM,
            subjects=[subjects.all_of("rejections")],
            max_age=REJECTIONS_KEPT_S,
            duplicate_window=REJECTIONS_KEPT_S,  # one for each refused command, however late that is delivered again
        ),
        common.evolve(name=subjects.CHECKPOINTS_STREAM, subjects=[subjects.all_of("checkpoints")]),
    ]


async def ensure_stream(js: JetStreamContext, config: StreamConfig) -> StreamInfo:
    """The stream in this form. Its messages and its first sequence stay as they are."""
    try:
        return await js.add_stream(config)
    except APIError as error:
        if error.err_code != _NAME_IN_USE:
            raise
    name = str(config.name)
    found = (await js.stream_info(name)).config
    if name == subjects.STATUS_STREAM and found.persist_mode == PersistMode.ASYNC and (config.num_replicas or 1) > 1:
        log.info("stream made anew, as it could not have copies", stream=name)
        await js.delete_stream(name)  # whoever publishes statuses fills it again
        return await js.add_stream(config)
    ours = {field: value for field, value in vars(config).items() if value is not None and field not in MADE_WITH}
    if not ours.get("duplicate_window"):
        ours.pop("duplicate_window", None)  # the server's own
    if all(getattr(found, field) == value for field, value in ours.items()):
        return await js.stream_info(name)
    log.info("stream updated", stream=name)
    return await js.update_stream(found.evolve(**ours))


async def run_of(client: BulkClient, stream: StreamInfo) -> str | None:
    """Which run of its server holds a stream of one copy: another one after each start; None where that is not told."""
    if stream.cluster and stream.cluster.name:  # any server of a cluster may hold it
        return None
    try:
        answer = await client.request("$SYS.REQ.USER.INFO", b"", timeout=CHECK_MAX_S)
    except Error:
        return None  # this account may not ask
    return _about.decode(answer.data).server.id


async def find_stream(js: JetStreamContext, name: str) -> StreamInfo | None:
    """None where there is no such stream."""
    try:
        return await js.stream_info(name)
    except NotFoundError:
        return None
