"""The Merkle tree against the plain recursive definition of RFC 9162, 2.1: every size, leaf and pair of sizes."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.audit.merkle import (
    EMPTY,
    Stretch,
    Tree,
    consistency_ranges,
    inclusion_ranges,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
)

MOST = 66
LEAVES = [sha256(bytes([n])).digest() for n in range(MOST)]


def plain(leaves: list[bytes]) -> bytes:
    """The definition, word for word."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain(leaves[:split]), plain(leaves[split:]))


ROOTS = [plain(LEAVES[:size]) for size in range(MOST + 1)]


def test_a_tree_that_grows_has_the_root_of_the_definition() -> None:
    tree = Tree()
    assert tree.root() == EMPTY
    for size, leaf in enumerate(LEAVES, 1):
        tree.add(leaf)
        assert (tree.size, tree.root()) == (size, ROOTS[size])


def test_whole_subtrees_may_be_added_at_once() -> None:
    tree = Tree()
    for first in range(0, 64, 8):
        tree.add_subtree(plain(LEAVES[first : first + 8]), 8)
    tree.add(LEAVES[64])
    assert tree.root() == ROOTS[65]


@given(st.lists(st.integers(0, 40), max_size=4))
def test_many_leaves_may_be_added_at_once(counts: list[int]) -> None:
    many, single = Tree(), Tree()
    for count in counts:
        more = LEAVES[many.size : many.size + count]
        many.extend(more)
        for leaf in more:
            single.add(leaf)
    assert (many.size, many.edge) == (single.size, single.edge)


def test_known_roots_of_certificate_transparency() -> None:
    """The test vectors that every implementation shares."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    for each in inputs:
        tree.add(bytes.fromhex(each))
    assert tree.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_a_leaf_is_proved_by_its_own_proof_alone(size: int) -> None:
    for index in range(size):
        proof = [plain(LEAVES[first:end]) for first, end in inclusion_ranges(index, size)]
        assert is_included(LEAVES[index], index, size, proof, ROOTS[size])
        assert not is_included(leaf_hash(LEAVES[index]), index, size, proof, ROOTS[size])
        assert not is_included(LEAVES[index], index, size, [*proof, EMPTY], ROOTS[size])
        assert not is_included(LEAVES[index], size, size, proof, ROOTS[size])
        assert not is_included(LEAVES[index], -1, size, proof, ROOTS[size])
        if size > 1:
            assert not is_included(LEAVES[index], (index + 1) % size, size, proof, ROOTS[size])
            assert not is_included(LEAVES[index], index, size, proof[:-1], ROOTS[size])
            assert not is_included(LEAVES[index], index, size, proof, ROOTS[size - 1])


@pytest.mark.parametrize("new", range(1, MOST + 1))
def test_a_longer_tree_is_proved_to_begin_with_the_shorter(new: int) -> None:
    for old in range(1, new + 1):
        proof = [plain(LEAVES[first:end]) for first, end in consistency_ranges(old, new)]
        assert is_consistent(old, new, proof, ROOTS[old], ROOTS[new])
        assert not is_consistent(old, new, [*proof, EMPTY], ROOTS[old], ROOTS[new])
        assert not is_consistent(old, new, proof, EMPTY, ROOTS[new])
        assert not is_consistent(old, new, proof, ROOTS[old], EMPTY)
        assert not is_consistent(new + 1, new, proof, ROOTS[old], ROOTS[new])
        if proof:
            assert not is_consistent(old, new, proof[:-1], ROOTS[old], ROOTS[new])


def test_a_broken_promise_has_no_proof() -> None:
    """No proof of any two trees fits a third one."""
    for old, other in pairwise(range(1, 40)):
        proof = [plain(LEAVES[first:end]) for first, end in consistency_ranges(old, 40)]
        assert not is_consistent(old, 40, proof, ROOTS[other], ROOTS[40])


@pytest.mark.parametrize("begin", [0, 1, 5, 8, 37, 64])
def test_a_stretch_goes_on_where_a_tree_ends(begin: int) -> None:
    """Wherever it begins and in whatever portions it grows: its subtrees give the tree of all leaves."""
    leaves = [bytes([n]) * 32 for n in range(begin + 70)]
    for more in (0, 1, 2, 3, 27, 64, 70):
        for portion in (1, 7, 100):
            stretch, tree = Stretch(begin), Tree()
            for at in range(begin, begin + more, portion):
                stretch.extend(leaves[at : min(at + portion, begin + more)])
            tree.extend(leaves[:begin])
            for root, count in stretch.nodes:
                assert tree.size % count == 0
                tree.add_subtree(root, count)
            assert (tree.size, stretch.end) == (begin + more, begin + more)
            whole = Tree()
            whole.extend(leaves[: begin + more])
            assert tree.root() == whole.root()
            assert len(stretch.nodes) <= 2 * 7
