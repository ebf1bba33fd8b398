"""Checkpoints to NATS: every one, once and in order. The stream's last note of a partition says where to go on."""

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import APIError, NotFoundError

from eventstore.audit import checkpoints
from eventstore.audit.notes import BadNote, read_head, signatures
from eventstore.postgres import Pool
from schemas import subjects

PAGE = 100


async def publish(pool: Pool, client: Client, partition: int) -> None:
    """All that the stream lacks. Another process may do the same: NATS refuses what it has, and that is well."""
    js = client.jetstream()
    position, sequence = await _published(js, partition)
    while True:
        async with pool.acquire() as conn:
            found = await checkpoints.after(conn, partition, position, PAGE)
        for each in found:
            expected = {Header.EXPECTED_LAST_SUBJECT_SEQUENCE.value: str(sequence)}
            try:
                done = await js.publish(subjects.checkpoints(partition), each.note.encode(), headers=expected)
            except APIError:
                return  # another process was quicker: it goes on
            position, sequence = each.position, done.seq
        if len(found) < PAGE:
            return


async def _published(js: JetStreamContext, partition: int) -> tuple[int, int]:
    """(position of the last note, its sequence)."""
    try:
        last = await js.get_last_msg(subjects.CHECKPOINTS_STREAM, subjects.checkpoints(partition))
    except NotFoundError:
        return 0, 0
    try:
        head = read_head(signatures((last.data or b"").decode())[0])
    except (BadNote, UnicodeDecodeError):
        return 0, last.seq or 0  # no note of ours: all of them again, behind it
    return head.size, last.seq or 0
