"""Memory is given back again and again, where the C library can."""

import asyncio
import ctypes

import pytest

from services import heap
from tests.background import beside


async def test_free_memory_is_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    twice = asyncio.Event()

    class Library:
        def malloc_trim(self, kept: int) -> int:
            calls.append(kept)
            if len(calls) == 2:
                twice.set()
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    monkeypatch.setattr(heap, "GIVE_BACK_EVERY_S", 0)
    async with beside(heap.give_back()), asyncio.timeout(5):
        await twice.wait()
    assert set(calls) == {0}


async def test_where_there_is_no_such_call_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    async with asyncio.timeout(5):
        await heap.give_back()
