"""What a follower gets from memory is what it would read from the log, or nothing."""

from datetime import UTC, datetime

import pytest

from eventstore.append import Batch
from eventstore.chain import START
from eventstore.recent import Recent
from schemas import events as e
from schemas.envelope import SYSTEM, Cause
from schemas.ids import uuid7
from schemas.job import Job
from schemas.jobtypes import Definition

AT = datetime(2026, 1, 1, tzinfo=UTC)
CAUSE = Cause(actor=SYSTEM, causation_id=uuid7())


def batches(*sizes: int) -> list[Batch]:
    """Appends of so many events, one behind the other."""
    made, head, hash_ = [], 0, START
    for size in sizes:
        batch = Batch(0, head, hash_, AT)
        batch.add(batch.draft("acme", "job", head, [e.RequestRepeated(clicks=n) for n in range(size)], CAUSE), CAUSE)
        made.append(batch)
        head, hash_ = batch.head, batch.hash
    return made


def job(version: int) -> Job:
    return Job(
        id="a", ref="EX-1", tenant="acme", type="export", definition=Definition(title="E"), owner="ann", title=None,
        size=None, priority=0, dedupe=None, created_at=AT, updated_at=AT, version=version, position=version,
    )  # fmt: skip


def positions(recent: Recent, after: int, limit: int = 100) -> list[int]:
    found = [each.position for each in recent.recorded(after, limit)]
    assert [row.position for row in recent.rows(after, limit)] == found
    return found


@pytest.mark.parametrize("after", range(10))
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
def test_a_page_begins_and_ends_anywhere(after: int, limit: int) -> None:
    recent = Recent()
    for batch in batches(3, 1, 4, 1):
        recent.add(batch)
    assert positions(recent, after, limit) == list(range(after + 1, 10))[:limit]


def test_nothing_is_given_behind_a_gap() -> None:
    first, second, third, fourth = batches(2, 2, 2, 2)
    recent = Recent()
    recent.add(first)
    recent.add(third)  # another process appended the second
    recent.add(fourth)
    assert positions(recent, 0) == positions(recent, 2) == []
    assert positions(recent, 4) == [5, 6, 7, 8]
    assert second.head == 4


def test_jobs_are_as_the_last_batch_that_changed_them_left_them() -> None:
    first, second, third = batches(1, 1, 1)
    before, after = job(version=1), job(version=2)
    first.jobs, second.jobs, third.jobs = {"a": before, "b": before}, {"a": after}, {"c": before}
    recent = Recent(most_bytes=first.size + second.size + third.size - 1)
    recent.add(first)
    recent.add(second)
    assert recent.jobs("ab") == [after, before]
    recent.add(third)  # the first goes, and with it the job that nobody changed since
    assert positions(recent, 0) == []
    assert recent.jobs("ac") == [after, before]
    with pytest.raises(KeyError):
        recent.jobs("b")


def test_behind_a_gap_no_job_is_known_from_before_it() -> None:
    first, _, third = batches(1, 1, 1)
    first.jobs, third.jobs = {"a": job(version=1)}, {"b": job(version=1)}
    recent = Recent()
    recent.add(first)
    recent.add(third)
    assert recent.jobs("b") == [job(version=1)]
    with pytest.raises(KeyError):
        recent.jobs("a")


def test_the_oldest_go_first_and_a_huge_one_is_not_kept() -> None:
    small = batches(1, 1, 1)
    recent = Recent(most_bytes=2 * small[0].size + 10)
    for batch in small:
        recent.add(batch)
    assert positions(recent, 0) == []
    assert positions(recent, 1) == [2, 3]
    huge = Recent(most_bytes=small[0].size - 1)
    huge.add(small[0])
    assert positions(huge, 0) == []
    huge = Recent(most_bytes=small[0].size + 10)
    huge.add(small[0])
    assert positions(huge, 0) == [1]
