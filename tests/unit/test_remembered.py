"""Bounded memories: the oldest goes, the bound holds, and a full one is not searched for each newcomer."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from eventstore.remembered import SPARE, forget_oldest


class Watched(dict[int, str]):
    """Counts how often it is looked through."""

    looks = 0

    def __iter__(self) -> Iterator[int]:
        self.looks += 1
        return super().__iter__()


@given(st.lists(st.integers(0, 30)), st.integers(0, 20))
def test_the_newest_stay_in_their_order(keys: list[int], most: int) -> None:
    known = dict.fromkeys(keys, "")
    before = list(known)
    forget_oldest(known, most)
    assert list(known) == before[max(0, len(before) - most) :]


@given(st.integers(0, 500), st.integers(0, 500))
def test_no_more_than_its_share_is_forgotten_beyond_what_must(count: int, most: int) -> None:
    known = dict.fromkeys(range(count), "")
    forget_oldest(known, most)
    assert len(known) == count if count <= most else most - most // SPARE <= len(known) <= most


def test_a_full_memory_is_rarely_looked_through() -> None:
    known = Watched()
    for n in range(10 * 6400):
        known[n] = ""
        forget_oldest(known, 6400)
    assert known.looks <= 9 * SPARE
    assert list(known)[-1] == 10 * 6400 - 1
