"""The demo's AI job: notes in, summaries out, by a real endpoint or without one."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.demo.job_types import definitions
from services.demo.models import Endpoint, Extractive, ModelRefused, SlowFront, Tokens
from services.demo.notes import SAMPLE, Note, read_notes, read_summaries, write_summaries
from services.demo.orders import Order, line
from services.demo.pace import Pace
from services.demo.settings import DemoSettings
from tests.unit.small_service import Asked, Said, said, small_service

NOTES = read_notes(SAMPLE.read_text(encoding="utf-8"))
ENV = {"TIDINGS_URL": "http://x", "TIDINGS_API_KEY": "k", "TIDINGS_DATABASE_URL": "postgresql://x"}


def test_the_sample_has_28_notes_of_6_to_12_sentences() -> None:
    lengths = [len(Tokens().to_sentences(note.text)) for note in NOTES]
    assert len(NOTES) == 28
    assert len({note.title for note in NOTES}) == 28
    assert min(lengths) >= 6
    assert max(lengths) <= 12


def test_a_title_with_a_point_does_not_end_a_sentence() -> None:
    assert Tokens().to_sentences("Dr. Sloane called. Mr. Tan was angry!") == (
        "Dr. Sloane called.",
        "Mr. Tan was angry!",
    )


@pytest.mark.parametrize("note", NOTES, ids=lambda note: str(note.number))
async def test_an_offline_summary_is_two_sentences_of_its_note(note: Note) -> None:
    summary = await Extractive().summarize(note)
    sentences = Tokens().to_sentences(summary)
    assert len(sentences) == 2
    assert all(sentence in note.text for sentence in sentences)


def test_summaries_of_two_runs_make_one_file_in_the_notes_order() -> None:
    first = read_summaries(write_summaries(NOTES, {1: "One, two.", 3: "Three\nlines."}).decode())
    both = write_summaries(NOTES, first | {2: "Two."})
    assert list(read_summaries(both.decode()).items()) == [(1, "One, two."), (2, "Two."), (3, "Three\nlines.")]


async def test_an_endpoint_is_asked_in_its_own_words() -> None:
    asked_for: list[Asked] = []

    async def answer(asked: Asked) -> Said:
        asked_for.append(asked)
        return said({"choices": [{"message": {"role": "assistant", "content": " Renew. \n"}}]})

    async with small_service(answer) as url:
        model = Endpoint(f"{url}/v1/", key="secret", name="small", timeout_s=5)
        assert await model.summarize(NOTES[0]) == "Renew."
    assert asked_for[0].path == "/v1/chat/completions"
    assert asked_for[0].headers["authorization"] == "Bearer secret"
    assert asked_for[0].read(dict[str, object])["model"] == "small"


@pytest.mark.parametrize("answer", [said({"error": "quota"}, 429), said({"choices": []}), Said(200, b"<html>"), None])
async def test_an_endpoint_that_gives_no_text_fails_only_that_note(answer: Said | None) -> None:
    async def answering(_: Asked) -> Said | None:
        return answer

    async with small_service(answering) as url:
        with pytest.raises(ModelRefused, match=r"^The model "):
            await Endpoint(url, key=None, name="small", timeout_s=5).summarize(NOTES[0])


async def test_a_slow_model_really_runs_out_of_time() -> None:
    model = SlowFront(Extractive(), {4}, delay_s=30)
    assert await model.summarize(NOTES[4])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await model.summarize(NOTES[3])


def test_an_order_reads_like_a_spreadsheet() -> None:
    order = Order(7, datetime(2025, 1, 1, 10, 5, tzinfo=UTC), "Mei Tanaka", "DK", "Wool rug", 3, 1250, "paid")
    assert line(order) == (7, "2025-01-01 10:05", "Mei Tanaka", "DK", "Wool rug", 3, "12.50", "37.50", "paid")


def test_a_pace_rests_only_while_the_work_is_ahead_of_it() -> None:
    pace = Pace(10)
    began = pace.rest_s(0, 0)
    assert pace.rest_s(0.5, began + 2) == pytest.approx(3)
    assert pace.rest_s(0.5, began + 7) < 0


def test_settings_come_from_the_environment() -> None:
    offline = DemoSettings.from_env(ENV)
    given = DemoSettings.from_env({**ENV, "TIDINGS_DEMO_DATABASE_URL": "postgresql://y", "TIDINGS_DEMO_PACE": "2.5",
                                   "TIDINGS_MODEL_URL": "http://m/v1", "TIDINGS_DEMO_SLOW_NOTES": "1,2"})  # fmt: skip
    assert (offline.database_url, offline.model_timeout_s, offline.slow_notes) == (
        "postgresql://x",
        2,
        (4, 9, 15, 20, 26),
    )
    assert (given.database_url, given.model_timeout_s, given.slow_notes) == ("postgresql://y", 30, (1, 2))
    assert given.pace_s == 2.5


def test_each_kind_of_job_says_honestly_what_a_retry_may_do() -> None:
    rules = {name: kind["retry"] for name, kind in definitions().items()}
    said_of = {name: (rule["safety"], rule["mode"]) for name, rule in rules.items() if isinstance(rule, dict)}
    assert said_of == {
        "orders.export": ("safe", "starts_fresh"),
        "customers.import": ("may_duplicate", "resumes"),
        "notes.summarize": ("may_charge", "resumes"),
    }
