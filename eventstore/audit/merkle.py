"""The Merkle tree of RFC 9162, section 2.1, over the digests of a partition's lines: its roots and its proofs.

A leaf is `SHA-256(0x00 ‖ data)`, a node `SHA-256(0x01 ‖ left ‖ right)`. `Tree` grows at its right edge and never looks
back, so an event costs the same however long the log is.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()  # the root of no leaves

Node = tuple[bytes, int]  # a subtree's root, and how many leaves it has
Range = tuple[int, int]  # leaves from the first to before the second


class Tree:
    """The right edge: one root for each bit that is set in `size`, the largest subtree first."""

    __slots__ = ("edge", "size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self.size = size
        self.edge = list(edge)

    def add(self, data: bytes) -> None:
        """One more leaf."""
        self._put(leaf_hash(data), 1)

    def extend(self, data: Sequence[bytes]) -> None:
        """Many leaves: the same as one after another, but quicker: whole subtrees go by level."""
        at = 0
        while at < len(data):
            leaves = 1 << (len(data) - at).bit_length() - 1
            if self.size:
                leaves = min(leaves, self.size & -self.size)
            self._put(_root_of(data[at : at + leaves]), leaves)
            at += leaves

    def add_subtree(self, root: bytes, leaves: int) -> None:
        """As many leaves at once, known by their root: a power of two that divides the size."""
        self._put(root, leaves)

    def _put(self, node: bytes, leaves: int) -> None:
        bit = leaves
        while self.size & bit:
            node = node_hash(self.edge.pop(), node)
            bit <<= 1
        self.edge.append(node)
        self.size += leaves

    def root(self) -> bytes:
        if not self.edge:
            return EMPTY
        node = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            node = node_hash(left, node)
        return node


class Stretch:
    """Leaves of a tree from some place on, whatever is before: `nodes` are its subtrees in order, (root, leaves).

    Each is as large as its place allows, so a `Tree` that ends where the stretch begins can take one after the other.
    """

    __slots__ = ("end", "nodes")

    def __init__(self, begin: int) -> None:
        self.end = begin
        self.nodes: list[Node] = []

    def extend(self, data: Sequence[bytes]) -> None:
        at = 0
        while at < len(data):
            leaves = 1 << (len(data) - at).bit_length() - 1
            if self.end:
                leaves = min(leaves, self.end & -self.end)
            self._put(_root_of(data[at : at + leaves]), leaves)
            at += leaves

    def _put(self, node: bytes, leaves: int) -> None:
        self.end += leaves
        while self.nodes and self.nodes[-1][1] == leaves and self.end % (2 * leaves) == 0:
            node = node_hash(self.nodes.pop()[0], node)
            leaves *= 2
        self.nodes.append((node, leaves))


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def _root_of(data: Sequence[bytes]) -> bytes:
    """Of as many leaves as a power of two."""
    level = [sha256(b"\0" + each).digest() for each in data]
    while len(level) > 1:
        nodes = iter(level)
        level = [sha256(b"\1" + left + right).digest() for left, right in zip(nodes, nodes, strict=True)]
    return level[0]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose roots prove a leaf, from its sibling upwards (2.1.3.1)."""
    first, end, found = 0, size, list[Range]()
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((first, middle))
            first = middle
    return found[::-1]


def consistency_ranges(old: int, new: int) -> list[Range]:
    """The subtrees whose roots prove that a tree of `new` leaves begins with one of `old` (2.1.4.1)."""
    if not 0 < old < new:
        return []
    first, end, whole, found = 0, new, True, list[Range]()
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((first, middle))
            first, whole = middle, False
    return found[::-1] if whole else [(first, end), *found[::-1]]


def _split(leaves: int) -> int:
    """The largest power of two that is smaller."""
    return 1 << (leaves - 1).bit_length() - 1


def is_included(data: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf to the root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, node = index, size - 1, leaf_hash(data)
    for each in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(each, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, each)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `new` leaves begins with the one of `old` (2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & old - 1 else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, each)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root
