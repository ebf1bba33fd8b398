"""The rows of a batch: the last word on each, however many events came, and the same however they were batched."""

from projections.apply import APPLY_PARAMS, FOR_EVER, Changes
from projections.status.fold import fold
from schemas import events as e
from schemas.job import Job
from schemas.jobtypes import Dedupe, Definition, Limits
from schemas.states import State
from tests.unit.spec import (
    JOB,
    KEY,
    PARTLY,
    STARTED,
    STORED,
    after,
    recorded,
    requested,
    text_after,
)

OLDER = "0193a5b0-0000-7000-8000-000000000001"
QUEUED = e.JobQueued(run=1, ready_at=text_after(0))
CANCELED = [e.CancelRequested(held=False), e.JobCanceled()]
DONE = [STARTED, STORED, e.JobFinished(run=1, attempt=1, ready=None, failed=None, total=None)]
RETRIED = [e.RetryRequested(run=2, scope="all", plan=""), e.JobQueued(run=2, ready_at=text_after(9))]


class Log:
    """Streams that grow, seen in one batch after the other."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.changes = Changes()

    def add(self, job: str, *events: e.Event) -> "Log":
        for event in events:
            before = self.jobs.get(job)
            version = before.version + 1 if before else 1
            told = recorded(event, version, after(version), job)
            self.jobs[job] = fold(before, told)
            self.changes.see(before, told, self.jobs[job])
        return self

    def next_batch(self) -> "Log":
        self.changes = Changes()
        return self

    def held(self) -> dict[str, tuple[bool, bool, bool]]:
        """By job: active, force, drop of what is written to the dedupe memory."""
        return {row.job: (row.active, row.force, row.drop) for _, _, row in self.changes.dedupe_rows()}


def first(kind: Definition | None = None, **fields: object) -> e.JobRequested:
    return requested(kind or Definition(title="Export"), **fields)


def test_the_last_word_on_a_job_is_written() -> None:
    changes = Log().add(JOB, first(), QUEUED, *PARTLY).changes
    row = changes.jobs[JOB]
    assert (row.job.version, row.created_position) == (6, 1)
    assert row.request == b'{"input":{"rows":3},"settings":null}'
    assert changes.queue == {JOB: None}
    item = changes.items[JOB, "17"]
    assert (item.row, item.column, item.reason, item.failed, item.run, item.attempt) == (
        17, "email", "is missing", True, 1, 1,
    )  # fmt: skip


def test_a_request_is_written_once() -> None:
    log = Log().add(JOB, first(), QUEUED).next_batch().add(JOB, STARTED)
    assert log.changes.jobs[JOB].request is None
    assert log.changes.jobs[JOB].retry_input is None


def test_corrected_input_is_kept_until_the_next_retry() -> None:
    mended = e.RetryRequested(run=2, scope="all", plan="", input={"rows": 4})
    log = Log().add(JOB, first(), QUEUED, *CANCELED).next_batch().add(JOB, mended, RETRIED[1])
    assert log.changes.jobs[JOB].retry_input == b'{"rows":4}'
    log.next_batch().add(JOB, *CANCELED, e.RetryRequested(run=3, scope="all", plan=""))
    assert log.changes.jobs[JOB].retry_input == b""


def test_a_job_is_in_the_queue_exactly_while_a_worker_may_take_it() -> None:
    log = Log().add(JOB, first(), QUEUED)
    assert log.changes.queue[JOB]
    assert log.next_batch().add(JOB, STARTED).changes.queue == {JOB: None}
    assert log.next_batch().add(JOB, e.ProgressReported(done=1, total=2)).changes.queue == {}
    released = [e.AttemptReleased(run=1, attempt=1), e.JobQueued(run=1, ready_at=text_after(0))]
    assert log.next_batch().add(JOB, *released).changes.queue[JOB]


def test_an_item_named_ready_is_no_longer_failed() -> None:
    finished = e.JobFinished(run=1, attempt=1, ready=1, failed=0, total=1, items=(e.Item(id="17", value={"a": 1}),))
    changes = Log().add(JOB, first(), QUEUED, *PARTLY[:3], finished).changes
    assert (changes.items[JOB, "17"].failed, changes.items[JOB, "17"].value) == (False, b'{"a":1}')


# The dedupe memory


def test_a_request_takes_its_key() -> None:
    changes = Log().add(JOB, first(), QUEUED).changes
    ((tenant, key, row),) = changes.dedupe_rows()
    assert (tenant, key, row.job, row.first_at, row.until) == ("default", KEY, JOB, after(1), None)
    assert (row.active, row.force, row.drop, row.state) == (True, True, False, State.QUEUED)


def test_a_request_without_a_key_is_not_remembered() -> None:
    assert Log().add(JOB, first(dedupe=None), QUEUED).held() == {}


def test_only_the_holder_moves_or_drops_its_key() -> None:
    log = Log().add(JOB, first(), QUEUED).next_batch()
    assert log.add(JOB, *DONE).held() == {JOB: (False, False, False)}
    assert log.next_batch().add(JOB, e.RequestRepeated(clicks=2)).held() == {}
    canceled = Log().add(JOB, first(), QUEUED).next_batch().add(JOB, *CANCELED)
    assert canceled.held() == {JOB: (False, False, True)}


def test_a_retry_takes_the_key_back() -> None:
    log = Log().add(JOB, first(), QUEUED, *CANCELED).next_batch()
    assert log.add(JOB, *RETRIED).held() == {JOB: (True, True, False)}
    blocked = Log().add(JOB, first(), QUEUED, e.NeedsFix(cause="overdue")).next_batch()
    assert blocked.held() == {}
    assert blocked.add(JOB, *RETRIED).held() == {JOB: (True, True, False)}


def test_the_newest_request_has_the_key_whatever_an_older_one_does_in_the_batch() -> None:
    log = Log().add(OLDER, first(), QUEUED).next_batch()
    log.add(JOB, first(again=True), QUEUED).add(OLDER, *DONE)
    assert log.held() == {JOB: (True, True, False)}
    both = Log().add(OLDER, first(), QUEUED).next_batch().add(OLDER, *DONE).add(JOB, first(), QUEUED)
    assert both.held() == {JOB: (True, True, False)}


def test_what_two_jobs_say_of_a_key_is_left_to_the_one_that_holds_it() -> None:
    """Which of them it is stands in the table; the batch does not know."""
    log = Log().add(OLDER, first(), QUEUED).add(JOB, first(again=True), QUEUED).next_batch()
    log.add(JOB, *CANCELED).add(OLDER, *DONE)
    assert log.held() == {JOB: (False, False, True), OLDER: (False, False, False)}


def test_the_rule_says_how_long_a_key_is_held() -> None:
    for rule, until in (("10m", after(601)), ("forever", FOR_EVER), ("while_active", None)):
        changes = Log().add(JOB, first(Definition(title="x", dedupe=Dedupe(for_=rule)))).changes
        assert [row.until for _, _, row in changes.dedupe_rows()] == [until]


# Types, and all columns


def test_the_last_definition_of_a_type_is_written() -> None:
    changes = Changes()
    for version, most in ((1, 3), (2, None)):
        kind = Definition(title="x", limits=Limits(per_owner=most))
        told = recorded(e.JobTypeDefined(name="x", definition=kind), version)
        changes.see_type(told, e.JobTypeDefined(name="x", definition=kind))
    row = changes.types["default", "x"]
    assert (row.version, row.definition.limits.per_owner) == (2, None)


def test_every_column_is_bound_and_each_table_has_columns_of_one_length() -> None:
    params = Log().add(JOB, first(title="Orders"), QUEUED, *DONE).changes.params(3)
    assert len(params) == APPLY_PARAMS
    assert params[0] == 3
    lengths = [len(column) for column in params[1:] if isinstance(column, list)]
    assert lengths == [1] * 15 + [0] * 6 + [1] + [1] * 9 + [0] * 9 + [0] * 7 + [1] + [0]
