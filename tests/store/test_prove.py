"""A job's history is proved from the real log, over whole tiles of the tree and its ragged edge."""

import msgspec
import pytest

from eventstore.audit import bundle
from eventstore.audit.bundle import BadBundle
from eventstore.audit.checkpoints import Makers
from eventstore.postgres import open_pool
from tests.conftest import NewDatabase
from tests.store.logs import append, fill, job_id, requested, worked
from tests.unit import offline


async def test_any_job_is_proved_and_checked_by_a_second_verifier(new_database: NewDatabase) -> None:
    async with await open_pool(await new_database(1), 4) as pool:
        makers = Makers(pool, 1, None)
        older, last = None, ""
        for part in range(3):
            jobs = await fill(pool, 0, "acme", 300, part)
            last = job_id()
            await append(pool, 0, "acme", [(last, [*requested(last), *worked()])])
            (checkpoint,) = await makers.make()
            for job in (jobs[0], jobs[150], last):
                async with pool.acquire() as conn:
                    made = await bundle.make(conn, checkpoint, await makers.public_key(), "acme", job, older)
                raw = msgspec.json.encode(made)
                assert bundle.check(bundle.read(raw)).size == checkpoint.position
                assert offline.check(raw) == job
            older = checkpoint.note
        (checkpoint,) = await makers.make()
        assert checkpoint.position > 2048  # two whole tiles and more
        async with pool.acquire() as conn:
            with pytest.raises(BadBundle, match="no job of eve"):
                await bundle.make(conn, checkpoint, await makers.public_key(), "eve", last)
