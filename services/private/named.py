"""Which files the commands of an append name, and for whom: decided by each job's own definition."""

from collections.abc import Collection, Iterator, Sequence

from eventstore.private.files import Use
from schemas.commands import Command, Outcome, ReportWork, RetryJob, SubmitJob
from schemas.private import marked
from schemas.problems import Fault, Problem, Rejection
from schemas.requests import Finish

_RETRIED = 202  # a retry that set something going; where nothing was to do its files are nobody's still


def uses(commands: Sequence[Command], answers: Sequence[object]) -> list[Use]:
    """Of those commands that were carried out. For all others it costs nothing."""
    return [use for command, answer in zip(commands, answers, strict=True) for use in _uses(command, answer)]


def _uses(command: Command, answer: object) -> Iterator[Use]:
    if not isinstance(command, SubmitJob | RetryJob | ReportWork) or not isinstance(answer, Outcome):
        return
    job, named = answer.job, named_by(command)
    nothing_new = answer.replayed or (isinstance(command, RetryJob) and answer.status != _RETRIED)
    if not named or job is None or nothing_new:
        return
    marks = marked(job.definition.private)
    private = marks.result if isinstance(command, ReportWork) else marks.uploads
    for upload in named:
        yield Use(job.tenant, job.owner, upload, private)


def named_by(command: Command) -> Collection[str]:
    match command:
        case SubmitJob() | RetryJob():
            return command.uploads
        case ReportWork(body=Finish(), result=result) if result and result.upload:
            return (result.upload,)
        case _:
            return ()


def refusals(commands: Sequence[Command], answers: Sequence[object], gone: Collection[str]) -> dict[int, Rejection]:
    """By the command's number: those whose files were removed after they had been looked at."""
    return {
        n: _refusal(command, missing)
        for n, (command, answer) in enumerate(zip(commands, answers, strict=True))
        if (missing := [use.upload for use in _uses(command, answer) if use.upload in gone])
    }


def _refusal(command: Command, missing: Sequence[str]) -> Rejection:
    if isinstance(command, ReportWork):
        fault = Fault("/result/upload", "is no longer what was uploaded")
        return Rejection(Problem.RESULT_MISSING, {"count": 1}, (fault,))
    return Rejection(Problem.UNKNOWN_UPLOAD, {"name": missing[0]}, (Fault("/input", "names no upload of yours"),))
