"""Which message a job's screen says: from (phase, cause) to an id of the catalogue and its arguments.

A worker's own words pass through as they are; the job type's words go in as arguments, in the reader's language.
"""

from collections.abc import Callable

from schemas.job import Job, Progress
from schemas.jobtypes import Noun, text_in
from schemas.messages import plural, say
from schemas.private import REMOVED
from schemas.states import Phase
from schemas.views import Arg, Message

Line = Message | str  # a text of ours, or a worker's or job type's own

LOST, FAILED = "lost", "failed"  # causes that a phase alone does not tell; the fold writes them


def message(message_id: str, /, **args: Arg) -> Message:
    return Message(message_id, args)


class Script:
    """Says the texts of one view in one language, and keeps the message behind each of ours."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.messages: dict[str, Message] = {}

    def say(self, pointer: str, line: Line) -> str:
        if isinstance(line, str):
            return line
        self.messages[pointer] = line
        return say(self.language, line.id, line.args)


def amount(number: float) -> int | float:
    """A count without a needless fraction."""
    return int(number) if number == int(number) else number


def noun(words: Noun, count: float, language: str) -> str:
    return text_in(words.one if plural(language, count) == "one" else words.other, language)


def unit(job: Job, count: float, language: str) -> str:
    return noun(job.definition.unit, count, language)


def ready_noun(job: Job, count: float, language: str) -> str:
    return noun(job.definition.ready, count, language)


def failed_items(job: Job) -> int:
    return job.ledger.failed if job.ledger else 0


def stage_label(job: Job, language: str) -> str:
    """What a person calls the present stage; "" before the first."""
    if job.stage is None:
        return ""
    known = next((stage.label for stage in job.definition.stages if stage.name == job.stage), None)
    return text_in(known, language) or plain_name(job.stage)


def plain_name(name: str) -> str:
    """A stage's name, where nobody wrote a label for it: "writing_csv" reads "Writing csv"."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def progress_unit(job: Job, progress: Progress, language: str) -> str:
    """The worker's word, else the job type's noun beside the total."""
    return progress.unit or unit(job, 2 if progress.total is None else progress.total, language)


def attention(message_id: str, job: Job, language: str) -> Message:
    """A message with "4 rows need attention." in it."""
    failed = failed_items(job)
    return message(message_id, failed=failed, unit=unit(job, failed, language))


def cause_of(job: Job) -> str:
    return job.problem.cause if job.problem else ""


def _ready(job: Job, _: str) -> Line:
    return message({LOST: "sentence-ready-lost", FAILED: "sentence-ready-failed"}.get(cause_of(job), "sentence-ready"))


def _retrying(job: Job, _: str) -> Line:
    return message({LOST: "sentence-lost", FAILED: "sentence-failed"}.get(cause_of(job), "sentence-again"))


def _working(job: Job, language: str) -> Line:
    if not failed_items(job):
        return _step(job, language)
    known = attention("sentence-working-attention", job, language)
    return message(known.id, title=text_in(job.definition.title, language), **known.args)


def _step(job: Job, language: str) -> Message:
    """The stage and the count, as far as either is known."""
    stage = _stage_start(job, language)
    named: dict[str, Arg] = {"stage": stage} if stage else {}
    progress = job.progress
    if progress is None:
        return message("sentence-stage" if stage else "sentence-working", **named)
    named["done"] = amount(progress.done)
    if progress.total is None:
        named["unit"] = progress.unit or unit(job, progress.done, language)
        return message("sentence-stage-so-far" if stage else "sentence-so-far", **named)
    named |= {"total": amount(progress.total), "unit": progress_unit(job, progress, language)}
    return message("sentence-stage-counted" if stage else "sentence-counted", **named)


def _stage_start(job: Job, language: str) -> str:
    """The stage's label as the start of a sentence of ours."""
    return stage_label(job, language).rstrip(".… ")


def _quiet(job: Job, language: str) -> Line:
    stage = _stage_start(job, language)
    return message("sentence-quiet-stage", stage=stage) if stage else message("sentence-quiet")


def _stuck(job: Job, language: str) -> Line:
    stage = _stage_start(job, language)
    return message("sentence-stuck-stage", stage=stage) if stage else message("sentence-stuck")


def _finalizing(job: Job, language: str) -> Line:
    if job.result is None and _stages_follow(job):
        return _working(job, language)  # a full count ends this stage, not the job
    if failed_items(job):
        return attention("sentence-finalizing-attention", job, language)
    return message("sentence-finalizing")


def _stages_follow(job: Job) -> bool:
    return job.stage in [stage.name for stage in job.definition.stages[:-1]]


def _asking(job: Job, language: str) -> Line:
    """One bad row is told best by the worker; several by their count, with the worker's words in `problem`."""
    said = job.problem.text if job.problem else None
    if failed_items(job) > 1 or (failed_items(job) and not said):
        return attention("sentence-asking", job, language)
    return said or message("sentence-asking-plain")


def _gave_up(job: Job, _: str) -> Line:
    return message("sentence-gave_up", tries=max(1, job.failures))


def _done(job: Job, _: str) -> Line:
    result = job.result
    if result is None and job.veil == REMOVED:
        return message("sentence-done-removed")
    if result is None or not (result.upload or result.href):
        return message("sentence-done")
    return message("sentence-done-named", name=result.name) if result.name else message("sentence-done-file")


def _partly_done(job: Job, language: str) -> Line:
    if job.ledger is None or not job.ledger.failed:
        return message("sentence-partly_done-plain")
    ready, failed = job.ledger.ready, job.ledger.failed
    return message(
        "sentence-partly_done",
        ready=ready,
        ready_noun=ready_noun(job, ready, language),
        failed=failed,
        unit=unit(job, failed, language),
    )


def _plain(message_id: str) -> Callable[[Job, str], Line]:
    known = message(message_id)
    return lambda _, __: known


SENTENCES: dict[Phase, Callable[[Job, str], Line]] = {
    Phase.REQUESTED: _plain("sentence-ready"),
    Phase.SCHEDULED: _plain("sentence-scheduled"),
    Phase.READY: _ready,
    Phase.DELAYED: _plain("sentence-delayed"),
    Phase.RETRYING: _retrying,
    Phase.STARTING: _plain("sentence-starting"),
    Phase.WORKING: _working,
    Phase.QUIET: _quiet,
    Phase.STUCK: _stuck,
    Phase.FINALIZING: _finalizing,
    Phase.CANCELING: _plain("sentence-canceling"),
    Phase.ASKING: _asking,
    Phase.GAVE_UP: _gave_up,
    Phase.OVERDUE: _plain("sentence-overdue"),
    Phase.DONE: _done,
    Phase.PARTLY_DONE: _partly_done,
    Phase.STOPPED: _plain("sentence-stopped"),
    Phase.EXPIRED: _plain("sentence-expired"),
}


def sentence(job: Job, language: str) -> Line:
    """One short sentence: what the system does right now."""
    return SENTENCES[job.phase](job, language)
