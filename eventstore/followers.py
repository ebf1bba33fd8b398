"""How far each follower of the log has come, by its name and the partition; kept beside the log."""

from eventstore.postgres import Connection

_FIND = "select position from checkpoints where projection = $1 and partition = $2"
_MOVE = """insert into checkpoints (projection, partition, position) values ($1, $2, $3)
    on conflict (projection, partition) do update set position = excluded.position"""
# Without an fsync of its own: where a power cut takes it back, a little is done again.
_MOVE_SOON = """with hurried as (select set_config('synchronous_commit', 'off', true))
    insert into checkpoints (projection, partition, position) select $1, $2, $3 from hurried
    on conflict (projection, partition) do update set position = excluded.position"""
_LATEST = "select max(position) from checkpoints where starts_with(projection, $1) and partition = $2"
_FORGET = "delete from checkpoints where starts_with(projection, $1) and partition = $2"


async def position(conn: Connection, name: str, partition: int) -> int | None:
    """None for a follower that was never here."""
    found: int | None = await conn.fetchval(_FIND, name, partition)
    return found


async def latest(conn: Connection, prefix: str, partition: int) -> int | None:
    """How far any follower whose name begins so has come."""
    found: int | None = await conn.fetchval(_LATEST, prefix, partition)
    return found


async def move(conn: Connection, name: str, partition: int, position: int) -> None:
    """Durable with the transaction that it is called in."""
    await conn.execute(_MOVE, name, partition, position)


async def move_soon(conn: Connection, name: str, partition: int, position: int) -> None:
    """For a follower that may do again what it has done."""
    await conn.execute(_MOVE_SOON, name, partition, position)


async def forget(conn: Connection, prefix: str, partition: int) -> None:
    """Of all followers whose name begins so."""
    await conn.execute(_FORGET, prefix, partition)
