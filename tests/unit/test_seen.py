"""What a publisher remembers of the stream: as small numbers, the same as it was told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import uuid7
from services.nats.seen import EMPTY, ENDED_PART, Place, Seen

PLACES = st.builds(Place, st.integers(0, 2**60), st.integers(0, 2**31 - 1), st.booleans())


@given(st.lists(PLACES, min_size=1, max_size=20))
def test_what_is_put_in_comes_out(places: list[Place]) -> None:
    seen, jobs = Seen(100), [uuid7() for _ in places]
    for job, place in zip(jobs, places, strict=True):
        seen.put(job, EMPTY)
        seen.put(job, place)
    assert [seen[job] for job in jobs] == places
    assert sorted(seen.places()) == sorted(places)
    assert [seen.pop(job) for job in jobs] == places
    assert not any(job in seen for job in jobs)
    with pytest.raises(KeyError):
        _ = seen[jobs[0]]


def test_whose_status_is_the_oldest_is_forgotten_first() -> None:
    seen, jobs = Seen(2), [uuid7() for _ in range(3)]
    for job in jobs:
        seen.put(job, EMPTY)
    seen.put(jobs[0], Place(7, 2, stays=True))  # told anew
    seen.shorten()
    assert [job in seen for job in jobs] == [True, False, True]
    assert seen[jobs[0]] == Place(7, 2, stays=True)


def test_few_are_kept_of_those_that_have_ended() -> None:
    seen, jobs = Seen(4 * ENDED_PART), [uuid7() for _ in range(10)]
    for n, job in enumerate(jobs, 1):
        seen.put(job, Place(n, 1, stays=True))
    for n, job in enumerate(jobs[:7], 11):
        seen.put(job, Place(n, 2))
    seen.shorten()
    assert [job in seen for job in jobs] == [False] * 3 + [True] * 7
    seen.put(jobs[3], Place(18, 3, stays=True))  # it is tried again
    seen.put(jobs[0], Place(19, 2))
    seen.shorten()
    assert [job in seen for job in jobs[:4]] == [True, False, False, True]
    assert seen.pop(jobs[3]) == Place(18, 3, stays=True)
    assert jobs[3] not in seen
