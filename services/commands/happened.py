"""What an event of a job's story says, in plain words: who did it, what happened, and what is worth knowing of it."""

from schemas import events as e
from schemas.envelope import SYSTEM, Actor, Recorded, moment_of
from schemas.job import Job
from schemas.jobtypes import text_in
from schemas.messages import say

WHO = {
    "user": "told-by-user",
    "service": "told-by-service",
    "worker": "told-by-worker",
    "system": "told-by-system",
}


def who(language: str, actor: Actor) -> str:
    """A person, a service, a worker, or Tidings itself."""
    return say(language, WHO[actor.kind], {} if actor.kind == SYSTEM.kind else {"who": actor.id})


def happened(language: str, recorded: Recorded, job: Job) -> str:
    """`job`: as it stands after the event, with what is private revealed or not."""
    words = say(language, f"event-{recorded.type}", {})
    detail = _detail(language, recorded.data, job)
    return say(language, "told-detail", {"happened": words, "detail": detail}) if detail else words


def _detail(language: str, event: e.Event, job: Job) -> str:
    """What the screen behind the event does not say as well. Nothing of what a type may mark as private."""
    match event:
        case e.StageStarted():
            labels = {stage.name: text_in(stage.label, language) for stage in job.definition.stages}
            return labels.get(event.stage) or event.stage
        case e.AttemptStarted() | e.AttemptLost():
            return event.worker
        case e.AttemptFailed():
            return event.reason
        case e.ItemsFailed():
            first = event.items[0]
            place = [str(part) for part in (first.row, first.column, first.reason) if part is not None]
            return ", ".join(place)
        case e.RequestRepeated():
            return str(event.clicks)
        case e.RetryScheduled():
            return f"{moment_of(event.at):%H:%M:%S} UTC"
        case _:
            return ""
