"""The forms of docs/private.md: paths, markers, and files as segments; checked by a second reader of the format."""

import hmac
import json
import os
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Sequence

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from eventstore.private.cipher import PersonKey, Unreadable, bound_to
from eventstore.private.keys import BadMasterKey, Masters, master_keys
from eventstore.private.stream import SEGMENT, Lock, opened, sealed
from schemas.private import ALLOWED, Json, change_at, is_marker, marked

KEY = PersonKey(b"\1" * 8, b"\2" * 32)
PLACE = bound_to("acme", "job", "title")

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner)
)
paths = st.lists(st.sampled_from("abc"), max_size=3).map(tuple)


@pytest.mark.parametrize(
    "path", ["title", "input", "input.*", "input.a.b", "settings.x", "items", "result", "uploads", "problem"]
)
def test_these_may_be_private(path: str) -> None:
    assert ALLOWED.fullmatch(path)


@pytest.mark.parametrize(
    "path", ["owner", "", "input.", "input..a", "title.x", "inputs.a", "size", "dedupe", "input.a b"]
)
def test_these_may_not(path: str) -> None:
    assert not ALLOWED.fullmatch(path)


def test_a_path_covers_those_below_it() -> None:
    assert marked(("input.a.b", "input.a", "input.c.*")).input == (("a",), ("c",))
    assert marked(("input.a", "input.*")).input == ((),)
    assert marked(("inputs",)).input == ()


@given(value=values, path=paths)
def test_what_is_hidden_comes_back(value: Json, path: tuple[str, ...]) -> None:
    def hide(at: str, plain: Json) -> Json:
        return KEY.seal(json.dumps(plain).encode(), bound_to("t", "j", at))

    def show(at: str, marker: Json) -> Json:
        return json.loads(KEY.open(str(marker), bound_to("t", "j", at)))

    assert change_at(change_at(value, "input", [path], hide), "input", [path], show) == value


@given(value=values, path=paths)
def test_only_what_is_marked_changes(value: Json, path: tuple[str, ...]) -> None:
    seen: list[Json] = []

    def keep(_: str, plain: Json) -> Json:
        seen.append(plain)
        return plain

    assert change_at(value, "input", [path], keep) == value
    if not path:
        assert seen == ([] if value is None else [value])


@given(plain=st.binary(max_size=200))
def test_a_marker_is_what_the_page_says(plain: bytes) -> None:
    marker = KEY.seal(plain, PLACE)
    word, key_id, text = marker.split(":")
    assert (word, key_id, is_marker(marker)) == ("private", "01" * 8, True)
    raw = urlsafe_b64decode(text)
    fields = hmac.digest(b"\2" * 32, b"tidings fields\1", "sha256")
    assert AESGCM(fields).decrypt(raw[:12], raw[12:], b"acme\njob\ntitle") == plain
    nonces = hmac.digest(b"\2" * 32, b"tidings nonces\1", "sha256")
    assert raw[:12] == hmac.digest(nonces, len(PLACE).to_bytes(4, "big") + PLACE + plain, "sha256")[:12]
    assert KEY.seal(plain, PLACE) == marker


@given(plain=st.binary(max_size=40), place=st.sampled_from(["other", "title2"]), damage=st.integers(0, 10_000))
def test_a_marker_reads_nowhere_else_and_never_changed(plain: bytes, place: str, damage: int) -> None:
    marker = KEY.seal(plain, PLACE)
    with pytest.raises(Unreadable):
        KEY.open(marker, bound_to("acme", "job", place))
    with pytest.raises(Unreadable):
        PersonKey(b"\3" * 8, b"\2" * 32).open(marker, PLACE)
    with pytest.raises(Unreadable):
        PersonKey(b"\1" * 8, b"\4" * 32).open(marker, PLACE)
    at = len("private:") + damage % (len(marker) - len("private:") - 2)
    other = marker[:at] + ("A" if marker[at] != "A" else "B") + marker[at + 1 :]
    with pytest.raises(Unreadable):
        KEY.open(other, PLACE)


async def _chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def _sealed(content: bytes, key: bytes, size: int = 10_000) -> bytes:
    return b"".join([each async for each in sealed(_chunks(content, size), key, b"here")])


async def _plain(raw: bytes, lock: Lock, start: int, end: int, size: int = 7_777) -> bytes:
    first, last = lock.sealed_range(start, end)
    return b"".join([each async for each in opened(_chunks(raw[first:last], size), lock, start, end)])


SIZES = (0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 3 * SEGMENT + 17)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunk", [1000, SEGMENT, 5 * SEGMENT])
async def test_a_file_comes_back_whole_and_in_parts(size: int, chunk: int) -> None:
    content, key = os.urandom(size), os.urandom(32)
    raw = await _sealed(content, key, chunk)
    lock = Lock(key, b"here", size)
    assert len(raw) == size + 16 * (lock.last + 1)
    assert await _plain(raw, lock, 0, size, chunk) == content
    marks = sorted({0, 1, size // 2, SEGMENT - 1, SEGMENT, SEGMENT + 1, size - 1, size} & set(range(size + 1)))
    for start in marks:
        for end in marks:
            if start < end:
                assert await _plain(raw, lock, start, end) == content[start:end]


def _second_reader(raw: bytes, key: bytes, bound: bytes) -> bytes:
    """From docs/private.md alone."""
    segments = [raw[at : at + 65_552] for at in range(0, len(raw), 65_552)]
    nonces = [bytes(7) + n.to_bytes(4, "big") + bytes([n == len(segments) - 1]) for n in range(len(segments))]
    return b"".join(AESGCM(key).decrypt(nonce, each, bound) for nonce, each in zip(nonces, segments, strict=True))


@pytest.mark.parametrize("size", SIZES)
async def test_another_reader_of_the_format_reads_it(size: int) -> None:
    content, key = os.urandom(size), os.urandom(32)
    assert _second_reader(await _sealed(content, key), key, b"here") == content


def _damaged(raw: bytes) -> Sequence[bytes]:
    one, whole = SEGMENT + 16, bytearray(raw)
    whole[70_000] ^= 1
    return [
        bytes(whole),
        raw[:-1],
        raw[:one],
        raw[: 2 * one],
        raw[one:],
        raw[one : 2 * one] + raw[:one] + raw[2 * one :],
        raw[:one] + raw[2 * one :],
        raw + b"x",
        b"",
    ]


async def test_a_changed_file_is_not_read() -> None:
    content, key = os.urandom(2 * SEGMENT + 5), os.urandom(32)
    raw, lock = await _sealed(content, key), Lock(key, b"here", len(content))
    for each in _damaged(raw):
        with pytest.raises(Unreadable):
            async for _ in opened(_chunks(each, 50_000), lock, 0, lock.size):
                pass
    with pytest.raises(Unreadable):
        await _plain(raw, Lock(key, b"there", len(content)), 0, len(content))


def test_a_file_keeps_its_name_to_itself() -> None:
    lock = Lock(os.urandom(32), b"here", 3)
    hidden = lock.seal_name("Zoë.csv")
    assert hidden
    assert "csv" not in hidden
    assert lock.open_name(hidden) == "Zoë.csv"
    assert lock.seal_name(None) is None


def test_master_keys_are_32_bytes_each() -> None:
    one = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    assert master_keys(f"{one}, {one}") == [b"A" * 32] * 2
    for bad in ("", "x", "QUFB", f"{one},QUFB"):
        with pytest.raises(BadMasterKey):
            master_keys(bad)


def test_an_old_master_key_still_unwraps() -> None:
    old, new = Masters([b"o" * 32]), Masters([b"n" * 32, b"o" * 32])
    wrapped = old.wrap(b"secret", b"x")
    assert new.unwrap(wrapped, old.current, b"x") == b"secret"
    with pytest.raises(BadMasterKey, match=old.current.hex()):
        Masters([b"n" * 32]).unwrap(wrapped, old.current, b"x")
    with pytest.raises(Unreadable):
        new.unwrap(wrapped, old.current, b"y")
