"""The AI job: a summary for each note. A note that fails costs only itself, and nothing is paid for twice."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from services.demo.models import Model, ModelRefused, SlowFront
from services.demo.notes import SAMPLE, Note, read_notes, read_summaries, write_summaries
from services.demo.pace import Pace, pace_of
from services.demo.settings import DemoSettings
from tidings import Context, Fail

if TYPE_CHECKING:
    from services.demo.database import Pool

AT_ONCE = 4  # calls of the model in flight
KEEP = "insert into demo.summaries (job, run, note, summary) values ($1, $2, $3, $4) on conflict do nothing"
KEPT = "select note, summary from demo.summaries where job = $1 and run = $2"


class NotesInput(msgspec.Struct, frozen=True):
    """The notes, by their upload; without one, those of the sample."""

    upload: str | None = None


class NoteSummaries:
    def __init__(self, pool: "Pool", model: Model, settings: DemoSettings) -> None:
        self._pool, self._model, self._settings = pool, model, settings

    async def __call__(self, ctx: Context) -> None:
        pace = pace_of(ctx.settings, self._settings.pace_s * (0.3 if ctx.items else 1.0))
        await ctx.stage("reading")
        notes, earlier = await _notes(ctx), await _earlier(ctx)
        todo = [note for note in notes if note.number not in earlier]
        await pace.reach(0.15)
        await ctx.stage("writing")
        fresh = await self._summarize(ctx, todo, pace)
        if not fresh and not earlier:
            raise Fail(
                "no note got a summary", text="The model gave no summary at all.", next="Retry in a few minutes."
            )
        await ctx.stage("storing")
        await ctx.result(write_summaries(notes, earlier | fresh), "summaries.csv")
        await pace.reach(1.0)

    async def _summarize(self, ctx: Context, notes: Sequence[Note], pace: Pace) -> dict[int, str]:
        """Those of an attempt that was lost are taken over; the others are written, a few at once."""
        fresh = {row["note"]: row["summary"] for row in await self._pool.fetch(KEPT, ctx.job, ctx.run)}
        left = [note for note in notes if note.number not in fresh]
        model = SlowFront(
            self._model, self._settings.slow_notes if ctx.run == 1 else (), self._settings.model_timeout_s * 9
        )
        done, places = len(notes) - len(left), asyncio.Semaphore(AT_ONCE)

        async def one(note: Note) -> None:
            nonlocal done
            async with places:
                summary, reason = await self._try(model, note)
                if summary is not None:
                    await self._pool.execute(KEEP, ctx.job, ctx.run, note.number, summary)
                    fresh[note.number] = summary
                else:
                    await ctx.problem(id=note.number, reason=reason, value=note.title)
                done += 1
                await ctx.progress(done, len(notes))
                await pace.reach(0.15 + 0.75 * done / len(notes))

        async with asyncio.TaskGroup() as tasks:
            for note in left:
                tasks.create_task(one(note))
        return fresh

    async def _try(self, model: Model, note: Note) -> tuple[str | None, str]:
        """The summary, or None and the reason."""
        try:
            async with asyncio.timeout(self._settings.model_timeout_s):
                return await model.summarize(note), ""
        except TimeoutError:
            return None, f"The model took longer than {self._settings.model_timeout_s:g} seconds"
        except ModelRefused as error:
            return None, str(error)


async def _notes(ctx: Context) -> list[Note]:
    asked = msgspec.convert(ctx.input, NotesInput)
    path = await ctx.download(asked.upload) if asked.upload else SAMPLE
    notes = read_notes(path.read_text(encoding="utf-8"))
    if not notes:
        text = "There are no notes in this file."
        step = "Choose a text file in which each note begins with a line such as '# Title'."
        raise Fail("no notes in the input", text=text, retryable=False, next=step)
    return notes


async def _earlier(ctx: Context) -> dict[int, str]:
    """The summaries of the runs before, where only the failed notes are to be done again."""
    if ctx.items is None:
        return {}
    path = await ctx.earlier_result()
    if path is None:
        text = "The summaries that were ready before can't be found."
        raise Fail("no earlier result", text=text, retryable=False, next="Retry all notes.")
    return read_summaries(path.read_text(encoding="utf-8"))
