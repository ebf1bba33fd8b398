"""A result that outlived its person: a worker that was still busy when they were erased, and stored it afterwards."""

from collections.abc import Sequence

from eventstore.private import files as file_keys
from projections.status.read import read_job
from schemas.commands import ReportWork
from schemas.private import REMOVED
from schemas.problems import Rejection
from services.front.asked import Asked
from services.private.named import named_by
from services.private.sweep import sweep


async def forget_late(asked: Asked, commands: Sequence[ReportWork], answers: Sequence[object]) -> None:
    """Remove what refused reports name, where their job's person is erased. For all others it costs nothing."""
    late = [
        (command.job, upload)
        for command, answer in zip(commands, answers, strict=True)
        if isinstance(answer, Rejection)
        for upload in named_by(command)
    ]
    for job, upload in late:
        await _forget(asked, job, upload)


async def _forget(asked: Asked, job: str, upload: str) -> None:
    place = asked.partition, asked.tenant
    async with asked.parts.pool.acquire() as conn, conn.transaction():
        found = await read_job(conn, *place, job)
        if found is None or not found.definition.private:
            return
        (shown,) = await asked.parts.vault.revealed(conn, asked.partition, [found])
        if shown.veil != REMOVED or not await file_keys.is_new(conn, *place, upload):
            return
        await file_keys.forget(conn, *place, [upload])
    await sweep(asked.parts.pool, asked.parts.files)
