"""Ids for machines, refs for people, and the names that the contract allows."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import REF_PATTERN, is_tenant_name, is_type_name, is_uuid, ref_of, uuid7

RANDOM = st.binary(min_size=10, max_size=10)
MILLISECONDS = st.integers(0, (1 << 48) - 1)


def test_the_example_of_rfc_9562() -> None:
    random = (0xCC3 << 68 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert uuid7(random, 0x017F22E279B0) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(RANDOM, MILLISECONDS)
def test_any_id_is_lower_case_version_7(random: bytes, ms: int) -> None:
    text = uuid7(random, ms)
    assert is_uuid(text)
    assert text[14] == "7"
    assert text[19] in "89ab"


@given(RANDOM, RANDOM, MILLISECONDS, MILLISECONDS)
def test_ids_sort_by_their_time(one: bytes, two: bytes, early: int, late: int) -> None:
    if early < late:
        assert uuid7(one, early) < uuid7(two, late)


def test_ids_of_one_moment_sort_as_they_were_made() -> None:
    """So a batch is claimed in the order in which it was sent."""
    made = [uuid7() for _ in range(200)]
    assert made == sorted(made)


def test_new_ids_differ() -> None:
    assert len({uuid7() for _ in range(1000)}) == 1000


@given(RANDOM, MILLISECONDS, st.text(max_size=40))
def test_a_ref_can_be_read_aloud_whatever_the_title(random: bytes, ms: int, title: str) -> None:
    assert re.match(REF_PATTERN, ref_of(uuid7(random, ms), title))


@pytest.mark.parametrize(
    ("title", "letters"),
    [("Export of orders", "EX"), ("4 exports", "EX"), ("x", "XX"), ("日本", "JB"), ("", "JB"), ("Über", "BE")],
)
def test_a_ref_begins_with_letters_of_the_title(title: str, letters: str) -> None:
    assert ref_of("0193a5b0-0000-7000-8000-00ffffffffff", title) == f"{letters}-ZZZZZZZZ"


def test_a_ref_tells_the_random_bits_apart() -> None:
    one, two = (uuid7(bytes(9) + bytes([last]), 1) for last in (1, 2))
    assert ref_of(one, "Export") == "EX-00000001"
    assert ref_of(two, "Export") == "EX-00000002"


@pytest.mark.parametrize("name", ["a", "orders.export", "a1.b_2", "a.1"])
def test_type_names(name: str) -> None:
    assert is_type_name(name)


@pytest.mark.parametrize("name", ["", "A", "1a", "a-b", "a..b", ".a", "a.", "a b", "ä", "a" * 201, "a\x00", "a\n"])
def test_what_is_no_type_name(name: str) -> None:
    assert not is_type_name(name)


@pytest.mark.parametrize("name", ["default", "0", "a-b", "a" * 63])
def test_tenant_names(name: str) -> None:
    assert is_tenant_name(name)


@pytest.mark.parametrize("name", ["", "-a", "A", "a.b", "a_b", "a" * 64, "a b", "a\n"])
def test_what_is_no_tenant_name(name: str) -> None:
    assert not is_tenant_name(name)


@pytest.mark.parametrize(
    "text", ["", "0193a5b0", "0193A5B0-0000-7000-8000-000000000000", "0193a5b0-0000-7000-8000-00000000000g"]
)
def test_what_is_no_id(text: str) -> None:
    assert not is_uuid(text)
