"""The NATS subjects and streams of the contract, each built in this one place.

A dot inside a name would split a subject (NATS ADR-6): in a job type it is written `-`; tenants and ids have none.
"""

ROOT = "tidings.v1"

STATUS_STREAM = "TIDINGS_STATUS"
COMMANDS_STREAM = "TIDINGS_COMMANDS"
REJECTIONS_STREAM = "TIDINGS_REJECTIONS"
CHECKPOINTS_STREAM = "TIDINGS_CHECKPOINTS"

COMMAND_VERBS = ("submit", "cancel", "retry")
API_VERBS = ("submit", "find", "get", "cancel", "retry", "claim", "report", "heartbeat")


def events_stream(partition: int) -> str:
    return f"TIDINGS_EVENTS_{partition}"


def event(partition: int, tenant: str, job_type: str | None, event_type: str) -> str:
    """`job_type` None: the event belongs to no job."""
    return f"{ROOT}.events.{partition}.{tenant}.{type_token(job_type)}.{event_type}"


def events(partition: int) -> str:
    return f"{ROOT}.events.{partition}.>"


def status(tenant: str, job: str) -> str:
    return f"{ROOT}.status.{tenant}.{job}"


def waits(tenant: str, job: str) -> str:
    return f"{ROOT}.waits.{tenant}.{job}"


def command(tenant: str, verb: str) -> str:
    return f"{ROOT}.commands.{tenant}.{verb}"


def rejections(tenant: str) -> str:
    return f"{ROOT}.rejections.{tenant}"


def checkpoints(partition: int) -> str:
    return f"{ROOT}.checkpoints.{partition}"


def api(tenant: str, verb: str) -> str:
    return f"{ROOT}.api.{tenant}.{verb}"


def all_of(kind: str) -> str:
    """Every subject of a kind: status, waits, commands, rejections, checkpoints, api."""
    return f"{ROOT}.{kind}.>"


def type_token(job_type: str | None) -> str:
    return job_type.replace(".", "-") if job_type else "_"
