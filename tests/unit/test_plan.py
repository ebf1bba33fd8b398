"""The retry plan's hash: nobody confirms something else than what runs."""

from msgspec.structs import replace

from services.jobs.plan import plan_digest
from tests.unit.spec import NOTES, PARTLY, job_after


def test_it_changes_with_all_that_decides_what_runs() -> None:
    job = job_after(*PARTLY)
    plans = {
        plan_digest(job, "all", [], None),
        plan_digest(job, "failed_items", ["17"], None),
        plan_digest(job, "failed_items", ["17", "18"], None),
        plan_digest(job, "failed_items", ["17"], {"rows": []}),
        plan_digest(replace(job, run=2), "failed_items", ["17"], None),
        plan_digest(replace(job, definition=NOTES), "failed_items", ["17"], None),
        plan_digest(replace(job, ledger=None), "failed_items", ["17"], None),
    }
    assert len(plans) == 7


def test_it_does_not_change_with_what_decides_nothing() -> None:
    job = job_after(*PARTLY)
    shown = plan_digest(job, "failed_items", ["17", "18"], {"a": 1, "b": [2.0]})
    assert plan_digest(replace(job, clicks=9, version=99), "failed_items", ["18", "17"], {"b": [2], "a": 1}) == shown
