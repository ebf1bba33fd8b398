"""`tidings demo`: an impatient person's three jobs from click to result, and a worker that is killed in between.

It looks at every result itself, and ends with 1 and a plain sentence where one is not as promised.
"""

import asyncio
import csv
import io
import secrets
import time
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from services.demo.crew import Crew, Neighbours, crew, nobody
from services.demo.customers import ROWS, sample_csv
from services.demo.database import ORDERS, open_database, prepare
from services.demo.job_types import define_types
from services.demo.notes import SAMPLE, read_summaries
from services.demo.screen import Screen, screen_for
from tidings import Client, Conflict, JobView, TidingsError

if TYPE_CHECKING:
    from services.demo.database import Pool

PACE_S = "4"
JOB_MAX_S = 60.0
COUNTRY = "DK"
MENDED = {
    "17": "2024-12-15",
    "388": "nia.prado@petrel.example",
    "1204": "kaya.demir@juniper.example",
    "3999": "business",
}


class NotAsPromised(Exception):
    """Something the demo saw is not what Tidings promises; `str` says what, in a sentence."""


class Visit:
    """One person's visit: what they click, what they see, what they keep."""

    def __init__(self, client: Client, pool: "Pool", screen: Screen, out_dir: Path) -> None:
        self.client, self.pool, self.screen, self.out_dir = client, pool, screen, out_dir
        self.owner = f"ann-{secrets.token_hex(3)}"  # a new person each time, so no earlier click is theirs
        self.results: list[Path] = []

    async def follow(self, job: JobView) -> JobView:
        """Watch a job until it has ended or needs this person."""
        async with asyncio.timeout(JOB_MAX_S), aclosing(self.client.watch(job)) as views:
            async for view in views:
                self.screen.show(view)
                if view.ended or view.needs_person:
                    return view
        raise NotAsPromised(f"{job.ref} stopped telling what it does.")

    async def keep(self, job: JobView, name: str) -> Path:
        self.results.append(await self.client.download(job, to=self.out_dir / name))
        self.screen.say(f"Downloaded to {self.results[-1]}")
        return self.results[-1]

    async def retry_failed(self, job: JobView, input: Mapping[str, object] | None = None) -> JobView:
        """Read what a retry means, confirm exactly that, and follow it."""
        try:
            again = await self.client.retry(job, scope="failed_items", input=input)
        except Conflict as conflict:
            if conflict.plan is None:
                raise
            self.screen.say(conflict.plan.confirm_text or conflict.plan.text)
            again = await self.client.retry(job, scope="failed_items", input=input, confirm=True, plan=conflict.plan)
        return await self.follow(again)


async def export(visit: Visit) -> None:
    """Three clicks, one run, one file."""
    visit.screen.scene("Export 50,000 orders, clicked three times")

    async def click() -> JobView:
        settings = {"format": "csv"}
        return await visit.client.submit(
            "orders.export", owner=visit.owner, settings=settings, size=ORDERS, title="Export of 50,000 orders"
        )

    clicks = [*await asyncio.gather(click(), click()), await click()]
    for view in sorted(clicks, key=lambda view: view.clicks):
        visit.screen.click("Export", view)
    ended = await visit.follow(clicks[0])
    promise(len({view.id for view in clicks}) == 1, "Three clicks started more than one export.")
    promise(ended.clicks == 3 and ended.run == 1, "The three clicks are not on record as one run.")
    promise(ended.ended, "The export did not finish.")
    file = await visit.keep(ended, "orders.csv")
    promise(_rows(file) == ORDERS, f"The file has {_rows(file):,} rows and not {ORDERS:,}.")


async def import_customers(visit: Visit) -> None:
    """Four bad rows are named, mended, and done again alone."""
    visit.screen.scene("Import 4,200 customers, four rows with a mistake")
    file = visit.out_dir / "customers.csv"
    file.write_text(sample_csv(), encoding="utf-8")
    upload = await visit.client.upload(file, owner=visit.owner)
    job = await visit.client.submit(
        "customers.import", owner=visit.owner, input={"upload": upload.id}, size=ROWS, title="Import of customers.csv"
    )
    visit.screen.click("Import", job)
    blocked = await visit.follow(job)
    promise(blocked.needs_person, "The import did not ask for the four rows.")
    bad = await visit.client.problems(blocked)
    promise(sorted(item.row or 0 for item in bad) == [17, 388, 1204, 3999], "The four bad rows are not the ones named.")
    for item in bad:
        visit.screen.say(f"Row {item.row}: {item.column} {item.reason}.")
    promise(await _customers(visit, job) == ROWS - 4, "The good rows are not in exactly once.")
    mended = await _mend(visit, blocked)
    ended = await visit.retry_failed(blocked, {"upload": (await visit.client.upload(mended, owner=visit.owner)).id})
    promise(ended.ended and ended.run == 2, "The import did not finish after the rows were mended.")
    promise(await _customers(visit, job) == ROWS, f"There are not {ROWS:,} customers, each once.")
    visit.screen.say(f"{ROWS:,} customers are in, each once.")


async def _mend(visit: Visit, job: JobView) -> Path:
    """What a person does in a spreadsheet: the problem rows as they come, with `value` put right."""
    problems = visit.out_dir / "problem-rows.csv"
    problems.write_text(await visit.client.problems_csv(job), encoding="utf-8")
    visit.results.append(problems)
    reader = csv.DictReader(io.StringIO(problems.read_text(encoding="utf-8")))
    mended = visit.out_dir / "problem-rows-mended.csv"
    with mended.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows({**row, "value": MENDED[row["row"]]} for row in reader)
    visit.screen.say(f"The problem rows were downloaded to {problems} and fixed.")
    return mended


async def summarize(visit: Visit) -> None:
    """Five notes time out; only those are written again."""
    visit.screen.scene("Summarize 28 call notes, five of which take too long")
    upload = await visit.client.upload(SAMPLE, owner=visit.owner)
    job = await visit.client.submit(
        "notes.summarize", owner=visit.owner, input={"upload": upload.id}, size=28, title="Summaries of 28 call notes"
    )
    visit.screen.click("Run AI", job)
    partly = await visit.follow(job)
    promise(partly.items is not None and partly.items.ready == 23, "There are not 23 summaries after the first run.")
    promise(partly.action("retry_failed") is not None, "The five failed notes can't be retried.")
    first = read_summaries((await visit.client.result(partly)).decode())
    ended = await visit.retry_failed(partly)
    promise(ended.ended and ended.run == 2, "The retry of the five notes did not finish.")
    summaries = read_summaries((await visit.keep(ended, "summaries.csv")).read_text(encoding="utf-8"))
    promise(len(summaries) == 28 and all(summaries.values()), "There are not 28 summaries.")
    promise(all(summaries[number] == text for number, text in first.items()), "A summary that was ready has changed.")


async def lose_a_worker(visit: Visit, workers: Crew) -> None:
    """A worker is killed in the middle; its job finishes on another."""
    visit.screen.scene("Export the Danish orders, and lose the worker in the middle")
    settings = {"format": "csv", "country": COUNTRY}
    job = await visit.client.submit(
        "orders.export", owner=visit.owner, settings=settings, title="Export of the Danish orders"
    )
    visit.screen.click("Export", job)
    async with asyncio.timeout(JOB_MAX_S), aclosing(visit.client.watch(job)) as views:
        async for view in views:
            visit.screen.show(view)
            if view.progress is not None and view.progress.done:
                break
    holder = workers.holder(job.ref)
    promise(holder is not None, "The job is with a worker on another machine, so it can't be killed.")
    if holder is not None:
        holder.kill()
    visit.screen.say("The process that did the work was just killed with kill -9.")
    ended = await visit.follow(job)
    promise(ended.ended and ended.attempt > 1, "The job did not finish on another worker.")
    file = await visit.keep(ended, "danish-orders.csv")
    expected = await visit.pool.fetchval("select count(*) from demo.orders where country = $1", COUNTRY)
    promise(_rows(file) == expected, f"The file has {_rows(file):,} rows and not {expected:,}.")


def promise(held: bool, otherwise: str) -> None:
    if not held:
        raise NotAsPromised(otherwise)


def _rows(file: Path) -> int:
    with file.open(newline="", encoding="utf-8") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1


async def _customers(visit: Visit, job: JobView) -> int:
    return int(await visit.pool.fetchval("select count(distinct line) from demo.customers where job = $1", job.id))


async def run_demo(
    url: str, api_key: str, database_url: str, out_dir: Path, json: bool, neighbours: Neighbours = nobody
) -> int:
    """0 when all was as promised, 1 otherwise. Results are left in `out_dir`."""
    screen = screen_for(json=json)
    began = time.monotonic()
    await asyncio.to_thread(out_dir.mkdir, parents=True, exist_ok=True)
    env = {
        "TIDINGS_URL": url,
        "TIDINGS_API_KEY": api_key,
        "TIDINGS_DEMO_DATABASE_URL": database_url,
        "TIDINGS_DEMO_PACE": PACE_S,
    }
    try:
        async with Client(url, api_key=api_key, actor="user:ann") as client, open_database(database_url) as pool:
            await prepare(pool)
            await define_types(client)
            async with crew(2, env, neighbours) as workers:
                visit = Visit(client, pool, screen, out_dir)
                for scene in (export, import_customers, summarize):
                    await scene(visit)
                await lose_a_worker(visit, workers)
    except (NotAsPromised, TidingsError) as error:
        screen.failed(str(error))
        return 1
    except TimeoutError:
        screen.failed(f"A job did not end within {JOB_MAX_S:g} seconds.")
        return 1
    screen.say(f"All of it took {time.monotonic() - began:.0f} seconds.")
    screen.done(visit.results)
    return 0
