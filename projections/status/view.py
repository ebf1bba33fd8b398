"""A job as a screen shows it: pure functions from the folded state to the views of the contract.

Serving, a rebuild, `?at=` and the stored view all come through here, so no two of them can say different things.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from projections.status.actions import SAFE, Sign, actions, has_result, result_path, risk_args
from projections.status.fold import ALL, RESUMES
from projections.status.trouble import still_running, trouble
from projections.status.veil import veiled
from projections.status.words import (
    Line,
    Script,
    amount,
    failed_items,
    message,
    plain_name,
    progress_unit,
    ready_noun,
    sentence,
    unit,
)
from projections.waits.moment import Moment, stated
from projections.waits.words import wait_view, waiting_view
from schemas.envelope import time_text
from schemas.job import Job
from schemas.jobtypes import text_in
from schemas.private import REMOVED, marked
from schemas.states import BLOCKED, ENDED, HELD, WAITING, Phase, State, visible
from schemas.views import (
    Arg,
    Button,
    ItemsView,
    JobView,
    Leave,
    Message,
    Plan,
    PlannedRuns,
    ProblemView,
    ProgressView,
    Repeat,
    ResultView,
    StageView,
)

PLANNED_IDS_SHOWN = 100


def render(job: Job, language: str, *, sign: Sign | None = None, as_of: datetime, now: Moment | None = None) -> JobView:
    """The whole view. `sign` makes the links of the result and the problems; without it they are plain paths.

    `now`: what is true at `as_of` beside the job's own events; without it, the wait that was last stated.
    """
    if job.definition.private and job.veil is None:
        job = veiled(job)  # whoever has no key sees no ciphertext either
    if now is None:
        now = stated(job)
        as_of = job.estimate_at or as_of if now != Moment() else as_of  # a wait that can't hold any more has no time
    script = Script(language)
    links: Sign = sign or str
    state = visible(job.phase)
    return JobView(
        id=job.id,
        ref=job.ref,
        tenant=job.tenant,
        type=job.type,
        title=_title(job, script),
        owner=job.owner,
        state=state.value,
        label=script.say("/label", message(f"state-{state.value}")),
        sentence=script.say("/sentence", sentence(job, language)),
        button=_button(state, script),
        stage=job.stage,
        stages=_stages(job, language),
        progress=_progress(job, language),
        liveness=_liveness(job.phase),
        wait=wait_view(job, now.found, script, as_of),
        waiting=waiting_view(now.reason, language),
        leave=_leave(job, script),
        result=_result(job, script, links),
        problem=_problem(job, script),
        items=_items(job),
        actions=actions(job, script, links),
        clicks=job.clicks,
        run=job.run,
        attempt=job.attempt,
        version=job.version,
        created_at=time_text(job.created_at),
        started_at=_time(job.started_at),
        updated_at=time_text(job.updated_at),
        finished_at=_time(job.finished_at),
        messages=script.messages,
    )


def _title(job: Job, script: Script) -> str:
    if job.veil == REMOVED and marked(job.definition.private).title:
        return script.say("/title", message("private-removed"))
    return job.title or text_in(job.definition.title, script.language)


def _time(moment: datetime | None) -> str | None:
    return time_text(moment) if moment else None


def _button(state: State, script: Script) -> Button:
    """Only a canceled job leaves the button free for a new start."""
    if state is State.CANCELED:
        return Button(script.say("/button/label", message("button-start")), "start")
    return Button(script.say("/button/label", message("button-view")), "view")


def _stages(job: Job, language: str) -> list[StageView]:
    """A stage is `now` only while a worker is at it; where a job stopped or waits, that stage is still ahead."""
    names = [stage.name for stage in job.definition.stages]
    return [
        StageView(stage.name, text_in(stage.label, language) or plain_name(stage.name), state)
        for stage, state in zip(job.definition.stages, _stage_states(job, names), strict=True)
    ]


def _stage_states(job: Job, names: Sequence[str]) -> list[str]:
    if job.phase in {Phase.DONE, Phase.PARTLY_DONE}:
        return ["done"] * len(names)
    if job.stage not in names or (job.phase in WAITING and job.definition.retry.mode != RESUMES):
        return ["ahead"] * len(names)  # not begun, or the next try begins again
    here = names.index(job.stage)
    return ["done"] * here + ["now" if job.phase in HELD else "ahead"] + ["ahead"] * (len(names) - here - 1)


def _progress(job: Job, language: str) -> ProgressView | None:
    """As reported; nothing while the job waits, since a try that ended counts for nothing on the screen."""
    if job.progress is None or job.phase in WAITING:
        return None
    total = None if job.progress.total is None else amount(job.progress.total)
    return ProgressView(amount(job.progress.done), total, progress_unit(job, job.progress, language))


def _liveness(phase: Phase) -> str | None:
    if phase not in HELD:
        return None
    return {Phase.QUIET: "quiet", Phase.STUCK: "stuck"}.get(phase, "working")


def _leave(job: Job, script: Script) -> Leave:
    if job.phase in ENDED:
        known = "leave-ended"
    elif job.phase in BLOCKED:
        known = "leave-blocked"
    elif job.phase is Phase.CANCELING:
        known = "leave-canceling"
    else:
        known = "leave-safe" if job.definition.leave else "leave-stay"
    return Leave(known != "leave-stay", script.say("/leave/text", message(known)))


def _result(job: Job, script: Script, sign: Sign) -> ResultView:
    place = script.say("/result/place", _place(job, script.language))
    if not has_result(job) or job.result is None:
        return ResultView(place=place, ready=False, href=None, name=None, size=None)
    return ResultView(place=place, ready=True, href=sign(result_path(job)), name=job.result.name, size=job.result.size)


def _place(job: Job, language: str) -> Line:
    if visible(job.phase) is State.CANCELED:
        return message("place-nothing")
    if job.phase is Phase.CANCELING:
        return message("place-canceling")
    if job.veil == REMOVED and job.result is None and visible(job.phase) is State.FINISHED:
        return message("place-removed")
    if job.definition.result.place is not None:
        return text_in(job.definition.result.place, language)
    return message("place-ready") if has_result(job) else message("place-default")


def _problem(job: Job, script: Script) -> ProblemView | None:
    found = trouble(job, script.language)
    if found is None:
        return None
    return ProblemView(
        text=script.say("/problem/text", found.text),
        row=job.problem.row if job.problem else None,
        column=job.problem.column if job.problem else None,
        reason=job.problem.reason if job.problem else None,
        count=job.ledger.failed if job.ledger else None,
        still_running=still_running(job),
        next=script.say("/problem/next", found.next),
    )


def _items(job: Job) -> ItemsView | None:
    ledger = job.ledger
    return ItemsView(ledger.ready, ledger.failed, ledger.open, ledger.total) if ledger else None


def plan_view(job: Job, scope: str, item_ids: list[str], language: str, digest: str) -> Plan:
    """What a retry would do, before the click. `item_ids`: every item that would run, as far as they are named.

    A job that counts no items runs as one.
    """
    rule = job.definition.retry
    runs, keeps = _planned(job, scope, item_ids)
    risk = risk_args(job, language)
    script = Script(language)
    return Plan(
        scope=scope,
        runs=PlannedRuns(runs, item_ids[:PLANNED_IDS_SHOWN]),
        keeps=keeps,
        safety=rule.safety,
        mode=rule.mode,
        text=script.say("/text", _plan_line(job, scope, runs, keeps, language)),
        confirm_text=None if rule.safety == SAFE else script.say("/confirm_text", message("plan-confirm", **risk)),
        plan=digest,
    )


def _planned(job: Job, scope: str, item_ids: list[str]) -> tuple[int, int]:
    """How many items run again, and how many stay as they are."""
    if scope != ALL:
        return len(item_ids), job.ledger.ready if job.ledger else 0
    if job.ledger is None:
        return 1, 0
    keeps = job.ledger.ready if job.definition.retry.mode == RESUMES else 0
    return job.ledger.total - keeps, keeps


def _plan_line(job: Job, scope: str, runs: int, keeps: int, language: str) -> Message:
    rule = job.definition.retry
    args: dict[str, Arg] = {"keeps": keeps, "kept": ready_noun(job, keeps, language), "safety": rule.safety}
    if scope != ALL:
        return message("plan-failed", runs=runs, unit=unit(job, runs, language), **args)
    return message("plan-all", mode=rule.mode, **args)


def repeat_view(job: Job, first_at: datetime, now: datetime, same: list[str], language: str) -> Repeat:
    """What the same click met: how long ago it was first made, and where its job stands."""
    return _repeat(job, first_at, now, same, Script(language))


def with_repeat(
    view: JobView, job: Job, language: str, *, reopened: bool, first_at: datetime, now: datetime, same: list[str]
) -> JobView:
    """The view as a submit's or find's answer that met this job, its new text among the messages."""
    script = Script(language)
    repeat = _repeat(job, first_at, now, same, script)
    return replace(view, reopened=reopened, repeat=repeat, messages={**view.messages, **script.messages})


def _repeat(job: Job, first_at: datetime, now: datetime, same: list[str], script: Script) -> Repeat:
    age_s = max(0.0, (now - first_at).total_seconds())
    text = script.say("/repeat/text", _repeat_line(job, age_s, same, script.language))
    return Repeat(of=job.id, first_at=time_text(first_at), age_s=age_s, same=same, text=text)


REPEATS: dict[Phase, str] = {
    Phase.REQUESTED: "repeat-waiting",
    Phase.SCHEDULED: "repeat-waiting",
    Phase.READY: "repeat-waiting",
    Phase.DELAYED: "repeat-waiting",
    Phase.RETRYING: "repeat-again",
    Phase.CANCELING: "repeat-canceling",
    Phase.ASKING: "repeat-asking",
    Phase.GAVE_UP: "repeat-gave_up",
    Phase.OVERDUE: "repeat-gave_up",
    Phase.DONE: "repeat-done",
    Phase.PARTLY_DONE: "repeat-partly_done",
    Phase.STOPPED: "repeat-stopped",
    Phase.EXPIRED: "repeat-stopped",
}


def _repeat_line(job: Job, age_s: float, same: list[str], language: str) -> Message:
    age_unit, age = age_words(age_s)
    args: dict[str, Arg] = {"age_unit": age_unit, "age": age, "by": "owner" if "owner" in same else "anyone"}
    known = REPEATS.get(job.phase, "repeat-running")
    failed = failed_items(job)
    if job.phase is Phase.ASKING:
        args["text"] = Script(language).say("", sentence(job, language))
    if job.phase is Phase.PARTLY_DONE:
        if not failed:
            return message("repeat-partly_done-plain", **args)
        args |= {"failed": failed, "unit": unit(job, failed, language)}
    return message(known, **args)


def age_words(age_s: float) -> tuple[str, int]:
    """An age as people say it: its unit, and how many of them."""
    if age_s < 10:
        return "now", 0
    if age_s < 60:
        return "seconds", int(age_s)
    if age_s < 3600:
        return "minutes", int(age_s // 60)
    if age_s < 86_400:
        return "hours", int(age_s // 3600)
    return "days", int(age_s // 86_400)
