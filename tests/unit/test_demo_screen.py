"""What the demo shows of a job: each change once, and nothing hidden."""

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from services.demo.screen import Lines, Words
from tests.unit.test_sdk_client import view
from tidings import JobView


def job(version: int, **changes: object) -> JobView:
    return msgspec.convert(view(version, **changes), JobView)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def shown(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.strip() for line in console.file.getvalue().splitlines()]


def test_a_click_says_what_it_did(console: Console) -> None:
    screen = Words(console)
    screen.click("Export", job(1))
    screen.click("Export", job(2, repeat={"of": "j1", "text": "You already started this just now."}))
    assert shown(console) == [
        "Click     Export started. Job EX-7F3K9MQ2.",
        "Click     You already started this just now. Job EX-7F3K9MQ2.",
    ]


def test_only_what_changed_is_a_new_line(console: Console) -> None:
    screen = Words(console)
    for done in (1, 2, 3):
        screen.show(job(done, stage="writing", sentence=f"Writing: {done} of 3 rows."))
    screen.show(job(4, stage="storing", sentence="Storing your file."))
    assert shown(console) == ["Running   Writing: 1 of 3 rows.", "Running   Storing your file."]


def test_a_problem_stands_with_its_next_step(console: Console) -> None:
    problem = {"text": "4 rows need attention.", "next": "Fix them.", "still_running": False}
    actions = [{"name": "cancel", "label": "Cancel"}, {"name": "retry_failed", "label": "Retry 4 failed rows"}]
    leave = {"safe": True, "text": "You can leave this page."}
    screen = Words(console)
    screen.show(
        job(1, sentence="4 rows need attention.", label="Needs fix", problem=problem, actions=actions, leave=leave)
    )
    assert shown(console) == [
        "You can leave this page.",
        "Needs fix 4 rows need attention.",
        "Fix them.",
        "[Retry 4 failed rows]",
    ]


def test_for_machines_each_line_is_json_and_the_last_one_names_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Lines()
    screen.scene("Export")
    screen.show(job(1))
    screen.say("Words are for people.")
    screen.done([Path("orders.csv")])
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["ref"], first["version"]) == ("EX-7F3K9MQ2", 1)
    assert first["at"].endswith("Z")
    assert last == {"done": True, "results": ["orders.csv"]}
