"""`python -m services.demo.worker`: a product's worker with the three jobs. It writes the ref of each job it begins."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable

from services.demo.database import open_database, prepare
from services.demo.importing import CustomerImport
from services.demo.job_types import define_types
from services.demo.models import model_for
from services.demo.orders import OrderExport
from services.demo.settings import DemoSettings
from services.demo.summarizing import NoteSummaries
from tidings import Client, Context, Worker

GRACE_S = 1.0  # a demo's job is begun again quickly, so a stop does not wait for it

Handler = Callable[[Context], Awaitable[None]]


async def work(settings: DemoSettings) -> None:
    async with Client(settings.url, api_key=settings.api_key) as client:
        await define_types(client)
    async with open_database(settings.database_url) as pool:
        await prepare(pool)
        worker = Worker(
            settings.url, api_key=settings.api_key, name=settings.worker, slots=settings.slots, grace_s=GRACE_S
        )
        worker.job("orders.export")(_told(OrderExport(pool, settings.pace_s)))
        worker.job("customers.import")(_told(CustomerImport(pool, settings.pace_s)))
        worker.job("notes.summarize")(_told(NoteSummaries(pool, model_for(settings), settings)))
        await worker.run()


def _told(handler: Handler) -> Handler:
    async def handle(ctx: Context) -> None:
        print(ctx.ref, flush=True)  # noqa: T201 - it is the word to whoever started us
        await handler(ctx)

    return handle


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.WARNING)
    asyncio.run(work(DemoSettings.from_env()))
