"""When two requests are the same: by the type's own rule, over bytes that every client's JSON comes down to."""

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import requests
from schemas.events import Json
from schemas.jobtypes import Dedupe, Definition
from services.jobs.dedupe import Memory, by_content, canonical, request_digest, still_own
from tests.unit.spec import JOB, T0, after, job_after

ONE, OTHER = "0193a5b0-0000-7000-8000-000000000001", "0193a5b0-0000-7000-8000-000000000002"
SHA = {ONE: "aa" * 32, OTHER: "aa" * 32}


def kind(*same: str, for_: str = "while_active") -> Definition:
    return Definition(title="Export", dedupe=Dedupe(same=same or ("owner", "input", "settings"), for_=for_))


def digest(
    rule: Definition, raw: str = "{}", *, tenant: str = "acme", uploads: dict[str, str] | None = None, **more: object
) -> str | None:
    fields: dict[str, object] = {"type": "orders.export", "owner": "ann", "input": msgspec.json.decode(raw), **more}
    return request_digest(rule, tenant, requests.Submit(**fields), uploads or {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": {"c": 2, "d": 3}}', '{"b": {"d": 3, "c": 2}, "a": 1}'),
        ('{"n": 1}', '{"n": 1.0}'),
        ('{"n": 100}', '{"n": 1e2}'),
        ('{"n": 0}', '{"n": -0.0}'),
        ('{"t": "é"}', '{"t": "\\u00e9"}'),
        ('{"n": 0.1}', '{"n": 0.10}'),
    ],
)
def test_the_same_json_written_otherwise_is_the_same_request(one: str, other: str) -> None:
    assert digest(kind(), one) == digest(kind(), other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": null}', "{}"),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": {"b": 1}}', '{"a.b": 1}'),
        ('{"a": [[1], 2]}', '{"a": [1, [2]]}'),
        ('{"a": 1}', '{"a": true}'),
        ('{"t": "e\\u0301"}', '{"t": "\\u00e9"}'),
    ],
)
def test_other_json_is_another_request(one: str, other: str) -> None:
    assert digest(kind(), one) != digest(kind(), other)


def test_tenant_and_type_always_count() -> None:
    found = {
        digest(kind("owner")),
        digest(kind("owner"), tenant="other"),
        digest(kind("owner"), type="orders.import"),
        digest(kind("owner"), owner="bea"),
    }
    assert len(found) == 4


def test_title_size_priority_and_time_never_count() -> None:
    assert digest(kind()) == digest(kind(), title="x", size=3, priority=9, not_before=T0, again=True)


def test_only_the_named_fields_count() -> None:
    rule = kind("input.prompt", "settings.model.name")
    one = digest(rule, '{"prompt": "hi", "seed": 1}', settings={"model": {"name": "m", "heat": 1}}, owner="ann")
    same = digest(rule, '{"prompt": "hi", "seed": 2}', settings={"model": {"name": "m", "heat": 2}}, owner="bea")
    other = digest(rule, '{"prompt": "ho", "seed": 1}', settings={"model": {"name": "m"}})
    assert one == same != other


@pytest.mark.parametrize("raw", ["{}", "null", "[1]", '"prompt"', '{"prompt": null}'])
def test_a_path_that_leads_nowhere_is_null(raw: str) -> None:
    assert digest(kind("input.prompt"), raw) == digest(kind("input.prompt"), "{}")


def test_a_type_that_never_repeats_has_no_digest() -> None:
    assert digest(kind(for_="never")) is None


def test_an_upload_counts_by_its_content() -> None:
    """The same file uploaded twice is the same request."""
    one, same = f'{{"files": [{{"upload": "{ONE}"}}]}}', f'{{"files": [{{"upload": "{OTHER}"}}]}}'
    assert digest(kind(), one, uploads=SHA) == digest(kind(), same, uploads=SHA)
    assert digest(kind(), one, uploads=SHA) != digest(kind(), one, uploads={ONE: "bb" * 32})
    assert digest(kind(), one) != digest(kind(), same)


def test_what_stands_beside_an_upload_counts_too() -> None:
    value = {"upload": ONE, "sheet": {"upload": OTHER}, "note": "x"}
    assert by_content(value, SHA) == {"upload": SHA[ONE], "sheet": {"upload": SHA[OTHER]}, "note": "x"}
    assert by_content({"upload": 3}, SHA) == {"upload": 3}


def test_numbers_that_json_does_not_carry_exactly_are_refused() -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical({"n": 2**53})


EXACT = 2**53 - 1  # beyond, a number is refused
numbers = st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT)
values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_json_reads_back_and_is_its_own_canonical_form(value: Json) -> None:
    written = canonical(value)
    assert canonical(msgspec.json.decode(written)) == written


@given(values)
@example({"\U0001f600": 1, "\ufffd": 2})  # UTF-16 sorts them the other way round
@example({"b": 1.0, "a": [EXACT, -EXACT, True, None], "": '\x00\x1f\x7f\u2028"\\/\b\f\n\r\t'})
def test_canonical_json_is_rfc_8785_whichever_way_it_was_written(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]  # decoded JSON


def test_a_key_is_held_while_active_or_within_its_period() -> None:
    assert Memory(JOB, T0, None, active=True).holds(after(1e9))
    assert not Memory(JOB, T0, None, active=False).holds(T0)
    period = Memory(JOB, T0, after(600), active=False)
    assert period.holds(after(599.9))
    assert not period.holds(after(600))


def test_a_job_has_its_key_until_another_holds_it() -> None:
    job = job_after()
    assert still_own(None, job, T0)
    assert still_own(Memory(JOB, T0, None, active=True), job, T0)
    assert not still_own(Memory(ONE, T0, None, active=True), job, T0)
    assert still_own(Memory(ONE, T0, after(5), active=False), job, after(5))
