"""The job that a body on NATS is about: named by its id, or by the id of the command that asked for it."""

from typing import TypeVar

from schemas import requests
from schemas.problems import Fault
from schemas.requests import Body
from services.front.asked import Asked
from services.front.bodies import invalid

B = TypeVar("B", bound=Body)

# By primary key.
_MADE_BY = """select job::text from idempotency
    where partition = $1 and tenant = $2 and call = $3 and key = $4 and job is not null"""


class NotMade(Exception):
    """No command with this id has made a job, so far."""

    def __init__(self, command_id: str) -> None:
        super().__init__(command_id)
        self.command_id = command_id


def call_of(verb: str) -> str:
    """What a command's id is bound to, as an Idempotency-Key is to its call."""
    return f"nats {verb}"


async def named_job(asked: Asked, body: requests.NamedCancel | requests.NamedRetry) -> str:
    """Raises NotMade. An id is not looked up."""
    if (body.job is None) == (body.command_id is None):
        raise invalid(Fault("/job", "must be named, or else command_id, the id of the job's submit"))
    return body.job if body.job is not None else await _made_by(asked, body.command_id or "")


async def _made_by(asked: Asked, command_id: str) -> str:
    async with asked.parts.pool.acquire() as conn:
        job: str | None = await conn.fetchval(_MADE_BY, asked.partition, asked.tenant, call_of("submit"), command_id)
    if job is None:
        raise NotMade(command_id)
    return job


def plain(kind: type[B], body: B) -> B:
    """The body as HTTP has it, where the path names the job."""
    return kind(**{name: getattr(body, name) for name in kind.__struct_fields__})
