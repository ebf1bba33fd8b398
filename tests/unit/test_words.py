"""Every text, in both languages: none is missing, none is unused, none sounds like a server."""

import ast
import re
from pathlib import Path
from typing import TypeVar

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from hypothesis import given
from hypothesis import strategies as st

from projections.status.trouble import trouble
from projections.status.view import render
from projections.status.words import Line, sentence
from projections.waits import moment
from schemas.events import EVENTS
from schemas.messages import (
    HEADER_MAX_CHARS,
    LANGUAGES,
    PROBLEM_ARGS,
    BadArguments,
    UnknownMessage,
    negotiate,
    plural,
    problem_words,
    say,
)
from schemas.problems import Problem
from schemas.states import BLOCKED, Phase, State
from tests.unit.journeys import NOW, SITUATIONS

ROOT = Path(__file__).parents[2]

JARGON = {
    "en": (
        "worker id|lease|payload|null|exception|orchestrat|allocat|stack ?trace|timeout|time-out|uuid|stream|partition|"
        "something went wrong|internal|backend|server|handler|process(es|ed|ing)?|thread|instance|node|cluster|cron|"
        "daemon|batch|dequeue|enqueue|queue\b|heartbeat|fencing|token|abort|terminat|fatal|invalid|execut|invok|"
        "undefined|boolean|integer|string|json|object|parameter|oops|please wait|countdown|percent"
    ),
    "de": (
        "lease|payload|nutzlast|null|exception|ausnahmefehler|orchestrier|allozier|zuweisung|stack ?trace|timeout|uuid|"
        "stream|partition|etwas ist schief|ein fehler ist aufgetreten|intern|backend|server|handler|prozess|thread|"
        "instanz|knoten|cluster|dämon|batch|queue|warteschlange|heartbeat|token|abort|terminier|fatal|ungültig|"
        "ausgeführt|undefiniert|boolean|integer|json|objekt|parameter|hoppla|countdown|prozent|job\\b"
    ),
}


def catalogue(language: str) -> dict[str, ftl.Message]:
    text = (ROOT / "schemas" / "messages" / f"{language}.ftl").read_text(encoding="utf-8")
    entries = FluentParser().parse(text).body
    assert not [entry for entry in entries if isinstance(entry, ftl.Junk)]
    messages = [entry for entry in entries if isinstance(entry, ftl.Message)]
    assert len({message.id.name for message in messages}) == len(messages), "an id stands twice"
    return {message.id.name: message for message in messages}


T = TypeVar("T")
WAITING_FOR = (
    *(moment.WORKERS_BUSY, moment.NO_WORKERS, moment.TYPE_LIMIT, moment.TENANT_LIMIT, "owner_limit"),
    *(moment.NOT_BEFORE, moment.RETRY_PAUSE),
)
CATALOGUES = {language: catalogue(language) for language in LANGUAGES}


def parts(node: object, kind: type[T]) -> list[T]:
    """Every part of this kind in a parsed message."""
    found = [node] if isinstance(node, kind) else []
    if isinstance(node, ftl.BaseNode):
        node = list(vars(node).values())
    if isinstance(node, list):
        found += [part for child in node for part in parts(child, kind)]
    return found


def words(message: ftl.Message) -> str:
    return " ".join(part.value for part in parts(message, ftl.TextElement))


def variables(language: str, message_id: str) -> set[str]:
    """What a message is filled with, in itself and in the messages that it names."""
    message = CATALOGUES[language][message_id]
    named = [part.id.name for part in parts(message, ftl.MessageReference)]
    own = {part.id.name for part in parts(message, ftl.VariableReference)}
    return own.union(*(variables(language, other) for other in named))


def spoken(language: str, line: Line) -> str:
    return line if isinstance(line, str) else say(language, line.id, line.args)


def test_no_language_lacks_a_text() -> None:
    assert set(CATALOGUES["en"]) == set(CATALOGUES["de"])


@pytest.mark.parametrize("message_id", CATALOGUES["en"])
def test_both_languages_are_filled_with_the_same(message_id: str) -> None:
    assert variables("en", message_id) == variables("de", message_id)


def test_every_text_is_used_and_every_used_text_exists() -> None:
    files = [file for folder in ("schemas", "projections", "services") for file in (ROOT / folder).rglob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    strings = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    made = {f"state-{state.value}" for state in State} | {f"event-{name}" for name in EVENTS}
    made |= {f"event-{name}" for name in EVENTS} | {f"waiting-{why}" for why in WAITING_FOR}
    made |= {f"problem-{problem.code}{part}" for problem in Problem for part in ("", "-detail", "-next")}
    named = {part.id.name for message in CATALOGUES["en"].values() for part in parts(message, ftl.MessageReference)}
    assert set(CATALOGUES["en"]) - strings - made - named == set()
    assert not (made | named) - set(CATALOGUES["en"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message_id", CATALOGUES["en"])
def test_no_text_sounds_like_a_server(language: str, message_id: str) -> None:
    found = re.findall(rf"\b({JARGON[language]})", words(CATALOGUES[language][message_id]), re.IGNORECASE)
    assert not found


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_holds_a_countdown_an_age_or_a_percentage(language: str) -> None:
    for message_id, message in CATALOGUES[language].items():
        if message_id.startswith("sentence-"):
            assert not re.search(r"%|second|minute|hour|sekunde|stunde|\bago\b|\bvor \{", words(message), re.IGNORECASE)
            assert not variables(language, message_id) & {"age", "seconds", "ahead", "percent"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_situation_has_its_sentence(language: str) -> None:
    """Every reachable (phase, cause), with and without progress, stage and failed items."""
    assert {job.phase for job in SITUATIONS} == set(Phase) - {Phase.NEW}
    for job in SITUATIONS:
        text = spoken(language, sentence(job, language))
        assert text.strip()
        assert "{" not in text
        assert "  " not in text
        assert len(text) < 160


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_blocked_situation_names_what_to_do(language: str) -> None:
    verbs = {"en": "Fix|Retry|Connect|Try|Download", "de": "Beheben|Versuchen|Laden|Korrigieren|Connect|Try"}[language]
    blocked = [job for job in SITUATIONS if job.phase in BLOCKED]
    assert {job.problem.cause for job in blocked if job.problem} == {"asked", "gave_up", "overdue"}
    for job in blocked:
        found = trouble(job, language)
        assert found
        assert spoken(language, found.text)
        step = say(language, found.next.id, found.next.args)
        assert re.match(rf"({verbs})\b", step)
        assert job.ref in step
        assert any(action.name.startswith("retry") for action in render(job, language, as_of=NOW).actions)


@pytest.mark.parametrize(
    ("language", "failed", "said"),
    [
        ("en", 0, "0 rows need attention."),
        ("en", 1, "1 row needs attention."),
        ("en", 2, "2 rows need attention."),
        ("en", 12_500, "12,500 rows need attention."),
        ("de", 0, "0 Zeilen brauchen Ihre Aufmerksamkeit."),
        ("de", 1, "1 Zeile braucht Ihre Aufmerksamkeit."),
        ("de", 2, "2 Zeilen brauchen Ihre Aufmerksamkeit."),
        ("de", 12_500, "12.500 Zeilen brauchen Ihre Aufmerksamkeit."),
    ],
)
def test_plurals(language: str, failed: int, said: str) -> None:
    unit = {"en": ("row", "rows"), "de": ("Zeile", "Zeilen")}[language][plural(language, failed) != "one"]
    assert say(language, "attention", {"failed": failed, "unit": unit}) == said


def test_what_is_missing_is_loud() -> None:
    for language, message_id in (("en", "sentence-nowhere"), ("fr", "sentence-ready"), ("", "")):
        with pytest.raises(UnknownMessage):
            say(language, message_id, {})
    with pytest.raises(BadArguments):
        say("en", "attention", {"failed": 4})


def test_a_persons_own_words_are_never_read_as_ours() -> None:
    assert say("en", "sentence-stage", {"stage": "{ support } { $ref }"}) == "{ support } { $ref }."


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("problem", Problem)
def test_every_refusal_says_what_happened_and_what_to_do(language: str, problem: Problem) -> None:
    title, detail, step = problem_words(language, problem, {})
    assert title
    assert not title.endswith(".")
    assert detail.endswith(".")
    assert step.endswith((".", "true."))
    assert "none" not in (title + detail + step).split()
    full = problem_words(language, problem, dict.fromkeys(PROBLEM_ARGS[problem], 7))
    assert "{" not in "".join(full)


def test_a_limit_says_itself() -> None:
    sizes = {"name": "input", "limit": 1_048_576, "unit": "bytes"}
    assert problem_words("en", Problem.TOO_LARGE, sizes).detail == (
        '"input" is larger than we take. The limit is 1,048,576 bytes. Nothing was changed.'
    )
    assert problem_words("de", Problem.TOO_LARGE, sizes).detail == (
        '"input" ist größer, als wir annehmen. Die Grenze liegt bei 1.048.576 Byte. Nichts wurde geändert.'
    )
    assert "1,000 items" in problem_words("en", Problem.TOO_LARGE, {"limit": 1000, "unit": "items"}).detail
    assert problem_words("en", Problem.TOO_LARGE, {"limit": None, "name": ["x"]}).detail == (
        "What was sent is larger than we take. Nothing was changed."
    )


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("de-AT, en;q=0.5", "de"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("fr, de;q=0.3", "de"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=0.4, *;q=0.5", "en"),
        ("en;q=0.1, *;q=0.2", "de"),
        ("en;q=0, *", "de"),
        ("en;q=0", "en"),
        ("de;q=0.9,en;q=0.9", "de"),
        ("en, de, en", "en"),
        ("de; q=0.001 , en;q=0", "de"),
        (", ,de,", "de"),
        ("de;q=1.5", "en"),
        ("de;q=-1", "en"),
        ("de, ???", "en"),
        ("de;level=1", "en"),
        ("de," * (HEADER_MAX_CHARS // 3 + 1), "en"),
    ],
)
def test_negotiation(header: str | None, language: str) -> None:
    assert negotiate(header) == language


@given(st.text(max_size=60) | st.text("de-n,;q=01.* ", max_size=60))
def test_any_header_gets_a_language_of_ours(header: str) -> None:
    assert negotiate(header) in LANGUAGES
