"""Fair shares as laws: nobody is left out, weights are kept, and within a tenant order is order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from services.jobs.fair import Kind, in_turn
from services.jobs.working import Waiting

AT = datetime(2026, 1, 1, tzinfo=UTC)
tenants = st.sampled_from(["a", "b", "c", "d"])
kinds = st.tuples(tenants, st.sampled_from(["export", "import"]))
ranks = st.tuples(st.integers(-2, 2), st.integers(0, 50))


def job(kind: Kind, n: int, priority: int = 0, age: int = 0) -> Waiting:
    name = f"{kind[0]}/{kind[1]}/{n}"
    return Waiting((priority, AT + timedelta(seconds=age), name), name)


@st.composite
def queues(draw: st.DrawFn) -> dict[Kind, list[Waiting]]:
    found = draw(st.dictionaries(kinds, st.lists(ranks, max_size=12), max_size=6))
    return {kind: sorted(job(kind, n, *rank) for n, rank in enumerate(each)) for kind, each in found.items()}


def taken(
    waiting: dict[Kind, list[Waiting]], live: dict[Kind, int], weights: dict[Kind, float], most: int | None = None
) -> list[Waiting]:
    turns = in_turn(waiting, live, weights)
    found: list[Waiting] = []
    next_ = next(turns, None)
    while next_ is not None and (most is None or len(found) < most):
        found.append(next_)
        try:
            next_ = turns.send(True)
        except StopIteration:
            break
    return found


@given(queues(), st.dictionaries(kinds, st.integers(0, 9)), st.dictionaries(kinds, st.floats(0.1, 10)))
def test_every_job_has_its_turn_once(
    waiting: dict[Kind, list[Waiting]], live: dict[Kind, int], weights: dict[Kind, float]
) -> None:
    """Work-conserving: as long as anybody has a job, there is a next one."""
    assert sorted(taken(waiting, live, weights)) == sorted(each for queue in waiting.values() for each in queue)


@given(queues(), st.dictionaries(kinds, st.integers(0, 9)), st.dictionaries(kinds, st.floats(0.1, 10)))
def test_within_a_tenant_priority_and_age_decide(
    waiting: dict[Kind, list[Waiting]], live: dict[Kind, int], weights: dict[Kind, float]
) -> None:
    order = taken(waiting, live, weights)
    for tenant in {kind[0] for kind in waiting}:
        own = [each for each in order if each.job.startswith(f"{tenant}/")]
        assert own == sorted(own)


@given(st.dictionaries(tenants, st.floats(0.2, 5), min_size=2), st.integers(1, 60))
def test_full_queues_share_by_weight(shares: dict[str, float], most: int) -> None:
    """Whoever has work is never more than one job away from its part."""
    waiting = {(tenant, "export"): [job((tenant, "export"), n, age=n) for n in range(200)] for tenant in shares}
    weights = {(tenant, "export"): weight for tenant, weight in shares.items()}
    counts = Counter(each.job[0] for each in taken(waiting, {}, weights, most))
    used = {tenant: counts[tenant] / weight for tenant, weight in shares.items()}
    for tenant, weight in shares.items():
        assert used[tenant] <= min(used.values()) + 1 / weight + 1e-9


@given(st.integers(1, 50), st.integers(0, 5))
def test_a_flood_never_stands_before_a_tenant_that_has_nothing_running(flood: int, more: int) -> None:
    waiting = {
        ("flood", "export"): [job(("flood", "export"), n) for n in range(200)],
        ("quiet", "export"): [job(("quiet", "export"), 0, age=10_000)],
    }
    first = taken(waiting, {("flood", "export"): flood}, {}, 1 + more)[0]
    assert first.job.startswith("quiet")


@given(queues())
def test_what_is_not_taken_costs_its_tenant_nothing(waiting: dict[Kind, list[Waiting]]) -> None:
    """A job at its limit is passed over; its tenant's next one keeps its place."""
    turns = in_turn(waiting, {}, {})
    passed: list[Waiting] = []
    next_ = next(turns, None)
    while next_ is not None:
        passed.append(next_)
        try:
            next_ = turns.send(False)
        except StopIteration:
            break
    assert passed[:1] == list(islice(sorted(passed), 1))
    assert len(passed) == sum(map(len, waiting.values()))
