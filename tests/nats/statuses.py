"""What stands on the status subjects, as any client of NATS sees it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DeliverPolicy
from nats.js.errors import NotFoundError

from schemas import subjects
from tests.api.client import Json

WAIT_S = 30


class Status(NamedTuple):
    """One message."""

    job: str
    version: int
    view: Json
    headers: dict[str, str]


def status_of(msg: Msg) -> Status:
    headers = dict(msg.headers or {})
    view = json.loads(msg.data)
    assert view["version"] == int(headers["Tidings-Version"])
    assert msg.subject == subjects.status(view["tenant"], view["id"])
    return Status(view["id"], view["version"], view, headers)


@asynccontextmanager
async def watching(js: JetStreamContext, subject: str) -> AsyncIterator[AsyncIterator[Status]]:
    """The last value of each subject, then each newer one."""
    subscription = await js.subscribe(
        subject,
        stream=subjects.STATUS_STREAM,
        ordered_consumer=True,
        deliver_policy=DeliverPolicy.LAST_PER_SUBJECT,
    )
    try:
        yield _statuses(subscription)
    finally:
        await subscription.unsubscribe()


async def _statuses(subscription: JetStreamContext.PushSubscription) -> AsyncIterator[Status]:
    while True:
        yield status_of(await subscription.next_msg(timeout=WAIT_S))


async def until(statuses: AsyncIterator[Status], version: int) -> list[Status]:
    """All of one job, up to this version; they only rise."""
    seen: list[Status] = []
    async with asyncio.timeout(WAIT_S):
        async for status in statuses:
            assert not seen or status.version > seen[-1].version, "a status went back"
            seen.append(status)
            if status.version >= version:
                break
    return seen


async def last(js: JetStreamContext, tenant: str, job: str) -> Status | None:
    """None where nothing stands there any more."""
    try:
        found = await js.get_last_msg(subjects.STATUS_STREAM, subjects.status(tenant, job))
    except NotFoundError:
        return None
    view = json.loads(found.data or b"")
    return Status(view["id"], view["version"], view, dict(found.headers or {}))
