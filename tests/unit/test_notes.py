"""Signed notes and checkpoints: the published example of C2SP opens, ours opens, and nothing else does."""

import base64

import pytest

from eventstore.audit.notes import (
    BadKey,
    BadNote,
    Head,
    PublicKey,
    Signer,
    open_checkpoint,
    open_note,
    read_head,
    seeds,
    sign,
)

# From the documentation of Go's golang.org/x/mod/sumdb/note, which the format comes from.
PETER = PublicKey.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETERS = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
OURS = Signer("tidings.dev/log/0011223344556677", bytes(range(32)))
HEAD = Head("tidings.dev/log/0011223344556677/0", 1234, bytes(range(32)))
NOTE = sign(HEAD.text(), [OURS])


def test_a_note_made_elsewhere_opens() -> None:
    text, by = open_note(PETERS, [PETER, OURS.public])
    assert text.endswith("problem is.\n")
    assert by == [PETER]
    assert str(PETER) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_checkpoint_says_what_was_signed() -> None:
    assert open_checkpoint(NOTE, [OURS.public]) == HEAD
    assert NOTE.startswith(
        "tidings.dev/log/0011223344556677/0\n1234\n" + base64.b64encode(HEAD.root).decode() + "\n\n— "
    )


def test_one_key_of_several_is_enough_but_none_may_be_wrong() -> None:
    other, stranger = Signer("other", bytes(32)), Signer("stranger", b"1" * 32)
    both = sign(HEAD.text(), [OURS, other])
    for known in ([OURS.public], [other.public], [OURS.public, other.public]):
        assert open_checkpoint(both, known) == HEAD
    with pytest.raises(BadNote, match="not signed by a key that is trusted"):
        open_checkpoint(both, [stranger.public])
    forged = sign(HEAD.text(), [OURS]) + sign(Head("x", 1, HEAD.root).text(), [other]).rpartition("\n\n")[2]
    with pytest.raises(BadNote, match="not of this text"):
        open_checkpoint(forged, [OURS.public, other.public])
    assert open_checkpoint(forged, [OURS.public]) == HEAD  # a key that we don't know says nothing


@pytest.mark.parametrize(
    "text",
    [
        "o\n01\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n-1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n",
        "o\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n",
        "\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        "o\n1\n",
        "o\n99999999999999999999\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        read_head(text)


@pytest.mark.parametrize("text", ["", "x", "x+00000000+AQ==", str(OURS.public)[:-4] + "AAA=", str(PETER)[:-1]])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        PublicKey.read(text)


def test_private_keys_come_as_base64() -> None:
    one, two = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    assert seeds(f"{one}, {two}") == [b"\1" * 32, b"\2" * 32]
    for bad in ("", "abc", f"{one},", base64.b64encode(b"short").decode()):
        with pytest.raises(BadKey, match="32 random bytes"):
            seeds(bad)
