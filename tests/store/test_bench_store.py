"""The store that the bench grows by COPY is one that the service could have written: chain, rows, queue."""

from bench.grown import Filler, story, waiting
from eventstore.audit.signed import Trust
from eventstore.audit.verify import verify
from eventstore.postgres import Pool
from projections.verify import verify as verify_projections


async def test_a_grown_store_holds_every_promise(pool: Pool) -> None:
    async with pool.acquire() as conn:
        filler = Filler(conn)
        await filler.fill(story(), 20, queued=False)
        await filler.fill(waiting(), 5, queued=True)
        assert await conn.fetchval("select count(*) from queue") == 5
    report = await verify(pool, Trust())
    assert (report.ok, report.events) == (True, 215), report.first_bad
    assert await verify_projections(pool) == []
