"""What writes a summary: any OpenAI-compatible endpoint, or offline a summariser that picks the telling sentences."""

import asyncio
import re
from collections.abc import Collection
from typing import Protocol

import httpx
import msgspec
from sumy.nlp.stemmers import Stemmer
from sumy.parsers.plaintext import PlaintextParser
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

from services.demo.notes import Note
from services.demo.settings import DemoSettings

PROMPT = "Summarize this call note in two plain sentences: what matters most, and the next step. Invent nothing."
SENTENCES = 2


class Model(Protocol):
    async def summarize(self, note: Note) -> str: ...


class ModelRefused(Exception):
    """The endpoint answered, but not with a summary; `str` is fit for a person."""


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class Endpoint:
    """`POST {url}/chat/completions`."""

    def __init__(self, url: str, *, key: str | None, name: str, timeout_s: float) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url, self._name = f"{url.rstrip('/')}/chat/completions", name
        self._http = httpx.AsyncClient(headers=headers, timeout=timeout_s)

    async def summarize(self, note: Note) -> str:
        messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"{note.title}\n\n{note.text}"}]
        try:
            answer = await self._http.post(self._url, json={"model": self._name, "messages": messages})
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except httpx.TransportError as error:
            raise ModelRefused("The model could not be reached") from error
        if answer.status_code >= 400:
            raise ModelRefused(f"The model refused with status {answer.status_code}")
        try:
            return msgspec.json.decode(answer.content, type=_Completion).choices[0].message.content.strip()
        except (msgspec.DecodeError, IndexError) as error:
            raise ModelRefused("The model gave no text") from error


class Tokens:
    """Sentences and words by plain rules, so that no language data has to be fetched."""

    _ENDS = re.compile(r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bMrs\.)(?<=[.!?])\s+(?=[A-Z0-9])")
    _WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

    def to_sentences(self, text: str) -> tuple[str, ...]:
        return tuple(sentence.strip() for sentence in self._ENDS.split(text) if sentence.strip())

    def to_words(self, text: str) -> tuple[str, ...]:
        return tuple(self._WORDS.findall(text.lower()))


class Extractive:
    """Picks the sentences that say most of a note, by how the sentences share their words (TextRank)."""

    def __init__(self) -> None:
        self._rank = TextRankSummarizer(Stemmer("english"))
        self._rank.stop_words = get_stop_words("english")

    async def summarize(self, note: Note) -> str:
        return await asyncio.to_thread(self.pick, note.text)

    def pick(self, text: str) -> str:
        document = PlaintextParser.from_string(text, Tokens()).document
        return " ".join(str(sentence) for sentence in self._rank(document, SENTENCES))


class SlowFront:
    """Stands before a model and lets some notes wait far too long, as a busy model does."""

    def __init__(self, model: Model, slow: Collection[int], delay_s: float) -> None:
        self._model, self._slow, self._delay_s = model, slow, delay_s

    async def summarize(self, note: Note) -> str:
        if note.number in self._slow:
            await asyncio.sleep(self._delay_s)
        return await self._model.summarize(note)


def model_for(settings: DemoSettings) -> Model:
    if settings.model_url is None:
        return Extractive()
    return Endpoint(
        settings.model_url, key=settings.model_key, name=settings.model_name, timeout_s=settings.model_timeout_s
    )
