"""A job in a terminal: the service's own words, each once, and never a UUID."""

import io

import msgspec
import pytest
from rich.console import Console

from schemas.states import State
from schemas.views import JobView, ProblemView
from services.commands.words import COLOURS, lines, screen

RUNNING = b"""{
 "id": "0193a5b0-0000-7000-8000-000000000000", "ref": "EX-7F3K9MQ2", "tenant": "default", "type": "orders.export",
 "title": "Export of 50,000 orders", "owner": "ann", "state": "running", "label": "Running",
 "sentence": "Writing your file: 12,500 of 50,000 rows.", "button": {"label": "View status", "action": "view"},
 "stage": "writing", "stages": [{"name": "reading", "label": "Reading rows", "state": "done"},
   {"name": "writing", "label": "Writing your file", "state": "now"}],
 "progress": {"done": 12500, "total": 50000, "unit": "rows"}, "liveness": "working",
 "wait": {"queue": null, "work": null, "total": null, "reliable": false, "text": "No reliable estimate yet.",
   "as_of": "2026-01-01T00:00:00.000000Z"},
 "waiting": null, "leave": {"safe": true, "text": "You can leave this page."},
 "result": {"place": "Your file will appear in Exports", "ready": false, "href": null, "name": null, "size": null},
 "problem": null, "items": null, "actions": [], "clicks": 3, "run": 1, "attempt": 1, "version": 9,
 "created_at": "2026-01-01T00:00:00.000000Z", "started_at": null, "updated_at": "2026-01-01T00:00:00.000000Z",
 "finished_at": null, "messages": {}}"""


@pytest.fixture
def view() -> JobView:
    return msgspec.json.decode(RUNNING, type=JobView)


def shown(view: JobView) -> str:
    out = Console(file=io.StringIO(), width=100)
    with out.capture() as captured:
        out.print(screen(view))
    return captured.get()


def test_a_running_job_shows_its_words_stages_and_progress(view: JobView) -> None:
    words = shown(view)
    for expected in ("EX-7F3K9MQ2", "Running", view.title, view.sentence, "✓ Reading rows", "▸ Writing your file"):
        assert expected in words
    assert "━" in words, "a bar of a quarter"
    assert view.id not in words


def test_a_problem_comes_with_the_next_step(view: JobView) -> None:
    problem = ProblemView(
        text=view.sentence, row=17, column=None, reason=None, count=4, still_running=False, next="Fix the rows."
    )
    asking = msgspec.structs.replace(view, problem=problem)
    assert lines(asking).count(view.sentence) == 1
    assert "Next: Fix the rows." in lines(asking)


def test_an_ended_job_says_no_wait(view: JobView) -> None:
    assert "No reliable estimate yet." in lines(view)
    assert "No reliable estimate yet." not in lines(msgspec.structs.replace(view, finished_at=view.updated_at))


def test_where_the_result_will_appear_is_said_until_it_is_there(view: JobView) -> None:
    assert view.result.place in lines(view)
    assert view.result.place not in lines(msgspec.structs.replace(view, finished_at=view.updated_at))


def test_every_state_has_its_colour() -> None:
    assert set(COLOURS) == set(State)
