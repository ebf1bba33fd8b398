"""The Merkle tree of a partition as it is kept: whole tiles of 1,024 leaves by their roots, the rest from the lines."""

from eventstore.archive import read as archived
from eventstore.archive.packed import Damaged
from eventstore.audit.merkle import Range, Tree
from eventstore.chain import digest_of
from eventstore.postgres import Connection

TILE = 1024
PAGE = 16 * TILE

# By primary keys. A line's digest is taken where the line lies.
_TILES = "select root from merkle_tiles where partition = $1 and tile >= $2 and tile < $3 order by tile"
_COUNT = "select coalesce(max(tile) + 1, 0) from merkle_tiles where partition = $1"
_DIGESTS = """select position, sha256(line) as digest, hash from events
    where partition = $1 and position > $2 and position <= $3 order by position"""
_KEEP = """insert into merkle_tiles (partition, tile, root)
    select $1, * from unnest($2::bigint[], $3::bytea[]) on conflict do nothing"""


class Gap(Exception):
    """An event is missing: the log is damaged."""


async def digests(conn: Connection, partition: int, after: int, upto: int) -> list[bytes]:
    """The leaves of the positions after one up to another. Raises Gap where one is missing."""
    rows = await conn.fetch(_DIGESTS, partition, after, upto)
    found = [row["digest"] for row in rows]
    if len(rows) != upto - after:
        found = await _archived(conn, partition, after, upto)
        beyond = after + len(found)
        found += [row["digest"] for row in rows if row["position"] > beyond]
    if len(found) != upto - after:
        raise Gap(f"partition {partition} has {len(rows)} events between {after + 1} and {upto}")
    return found


async def _archived(conn: Connection, partition: int, after: int, upto: int) -> list[bytes]:
    """As far as they stand in archives. Raises Gap where one can't be read."""
    try:
        return [digest_of(row.line) async for rows in archived.between(conn, partition, after, upto) for row in rows]
    except Damaged as error:
        raise Gap(f"the archive {error.name} is damaged: {error.detail}") from error


async def extend(conn: Connection, partition: int, tree: Tree, upto: int) -> None:
    """Let the tree grow up to a position, and keep each tile that is whole by then. Raises Gap."""
    while tree.size < upto:
        tiles: list[int] = []
        roots: list[bytes] = []
        tile = Tree()
        until = min(upto, tree.size - tree.size % TILE + PAGE)
        begun = tree.size - tree.size % TILE
        for digest in await digests(conn, partition, begun, until):
            tile.add(digest)
            if tile.size == TILE:
                tiles.append(begun // TILE)
                roots.append(tile.root())
                begun, tile = begun + TILE, Tree()
        _regrow(tree, roots, tile)
        await conn.execute(_KEEP, partition, tiles, roots)


def _regrow(tree: Tree, roots: list[bytes], rest: Tree) -> None:
    """From its last whole tile on: what was begun of the next one is counted anew with it."""
    beyond = tree.size % TILE
    del tree.edge[len(tree.edge) - beyond.bit_count() :]
    tree.size -= beyond
    for root in roots:
        tree.add_subtree(root, TILE)
    tree.edge.extend(rest.edge)
    tree.size += rest.size


async def load(conn: Connection, partition: int, size: int) -> Tree:
    """The tree of so many leaves. Raises Gap."""
    tree = Tree()
    whole = min(size // TILE, await conn.fetchval(_COUNT, partition))
    for row in await conn.fetch(_TILES, partition, 0, whole):
        tree.add_subtree(row["root"], TILE)
    await extend(conn, partition, tree, size)
    return tree


async def subtree(conn: Connection, partition: int, leaves: Range) -> bytes:
    """The root over these leaves, which begin where a subtree of the whole may begin."""
    first, end = leaves
    tree = Tree()
    if end - first >= TILE:
        for row in await conn.fetch(_TILES, partition, first // TILE, end // TILE):
            tree.add_subtree(row["root"], TILE)
    for digest in await digests(conn, partition, first + tree.size, end):
        tree.add(digest)
    return tree.root()
