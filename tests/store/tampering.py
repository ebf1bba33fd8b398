"""What somebody who owns the database could do to a log: each way takes a connection of a superuser and a seed."""

import random
from collections.abc import Awaitable, Callable

from asyncpg import Record

from eventstore.audit.walk import Kind
from eventstore.chain import next_hash
from eventstore.postgres import Connection

Tamper = Callable[[Connection, random.Random], Awaitable[set[Kind]]]

ROW = "select * from events where partition = $1 and position = $2"
PUT = """insert into events (partition, position, tenant, stream, version, type, recorded_at, actor, line, hash)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
# Two steps, since a key is checked row by row.
SHIFT = """update events set position = -position - 1000000 where partition = $1 and position > $2"""
SHIFTED = "update events set position = -position - 1000000 + $2 where partition = $1 and position < -1000000"


async def some(conn: Connection, chance: random.Random, *, last: bool = True) -> Record:
    """Any event; where `last` is not wanted, one with others behind it."""
    partition = await conn.fetchval(
        "select partition from heads where position > 3 order by partition offset $1 limit 1",
        chance.randrange(await conn.fetchval("select count(*) from heads where position > 3")),
    )
    head = await conn.fetchval("select position from heads where partition = $1", partition)
    row = await conn.fetchrow(ROW, partition, chance.randint(1, head if last else head - 1))
    assert row
    return row


async def edit_line(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    spot = chance.randrange(len(row["line"]))
    line = row["line"][:spot] + bytes([row["line"][spot] ^ 1 << chance.randrange(7)]) + row["line"][spot + 1 :]
    await conn.execute("update events set line = $3 where partition = $1 and position = $2", *row[:2], line)
    return {Kind.EDITED, Kind.MISSING}  # a changed digit of the position makes it another event's line


async def edit_hash(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    await conn.execute(
        "update events set hash = $3 where partition = $1 and position = $2", *row[:2], chance.randbytes(32)
    )
    return {Kind.EDITED}


COLUMNS = (
    "tenant = 'eve'",
    "stream = 'type:other'",
    "version = version + 1000",
    "type = 'JobForgotten'",
    "recorded_at = recorded_at + interval '1 microsecond'",
    "actor = 'user:eve'",
)


async def edit_column(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    change = chance.choice(COLUMNS)
    await conn.execute(f"update events set {change} where partition = $1 and position = $2", *row[:2])
    return {Kind.EDITED}


async def edit_and_seal_again(conn: Connection, chance: random.Random) -> set[Kind]:
    """The whole chain behind it and the head are made to fit: only what was signed tells."""
    row = await some(conn, chance)
    partition, position = row["partition"], row["position"]
    line = row["line"].replace(b'"actor":{"kind":"', b'"actor":{"kind":"x')
    await conn.execute("update events set line = $3, actor = 'x' || actor where partition = $1 and position = $2",
                       partition, position, line)  # fmt: skip
    await seal_again(conn, partition, position)
    return {Kind.CHECKPOINT}


async def seal_again(conn: Connection, partition: int, first: int) -> None:
    before = await conn.fetchval("select hash from events where partition = $1 and position = $2", partition, first - 1)
    hash_ = before or bytes(32)
    rows = await conn.fetch(
        "select position, line from events where partition = $1 and position >= $2 order by position", partition, first
    )
    for position, line in rows:
        hash_ = next_hash(hash_, line)
        await conn.execute(
            "update events set hash = $3 where partition = $1 and position = $2", partition, position, hash_
        )
    await conn.execute("update heads set hash = $2 where partition = $1", partition, hash_)


async def delete(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance, last=False)
    await conn.execute("delete from events where partition = $1 and position = $2", *row[:2])
    return {Kind.MISSING}


async def delete_and_close_up(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance, last=False)
    await conn.execute("delete from events where partition = $1 and position = $2", *row[:2])
    await conn.execute(SHIFT, *row[:2])
    await conn.execute(SHIFTED, row["partition"], -1)
    await conn.execute("update heads set position = position - 1 where partition = $1", row["partition"])
    return {Kind.MISSING}


async def insert(conn: Connection, chance: random.Random) -> set[Kind]:
    """Before one that is there, all others moved on."""
    row = await some(conn, chance)
    await conn.execute(SHIFT, row["partition"], row["position"] - 1)
    await conn.execute(SHIFTED, row["partition"], 1)
    await forge(conn, row, row["position"], chance)
    return {Kind.INSERTED}


async def insert_aside(conn: Connection, chance: random.Random) -> set[Kind]:
    """Where nobody reads: below the first, or beyond the head."""
    row = await some(conn, chance)
    head = await conn.fetchval("select position from heads where partition = $1", row["partition"])
    await forge(conn, row, chance.choice([0, -chance.randint(1, 99), head + 1, head + chance.randint(2, 99)]), chance)
    return {Kind.INSERTED}


async def insert_sealed(conn: Connection, chance: random.Random) -> set[Kind]:
    """One that fits the chain, but was never appended."""
    row = await some(conn, chance)
    head = await conn.fetchrow("select position, hash from heads where partition = $1", row["partition"])
    assert head
    line = row["line"].replace(b'"position":%d' % row["position"], b'"position":%d' % (head["position"] + 1))
    await put(conn, row, head["position"] + 1, line, next_hash(head["hash"], line))
    return {Kind.INSERTED}


async def forge(conn: Connection, row: Record, position: int, chance: random.Random) -> None:
    line = row["line"].replace(b'"position":%d' % row["position"], b'"position":%d' % position)
    await put(conn, row, position, line, chance.randbytes(32))


async def put(conn: Connection, row: Record, position: int, line: bytes, hash_: bytes) -> None:
    columns = row["tenant"], "type:forged", 1, row["type"], row["recorded_at"], row["actor"]
    await conn.execute(PUT, row["partition"], position, *columns, line, hash_)


async def swap(conn: Connection, chance: random.Random) -> set[Kind]:
    """The places of two events, or only what stands in them."""
    one = await some(conn, chance)
    other = one
    while other["position"] == one["position"] or other["partition"] != one["partition"]:
        other = await some(conn, chance)
    if chance.random() < 0.5:
        for position, line, hash_ in ((one[1], other["line"], other["hash"]), (other[1], one["line"], one["hash"])):
            await conn.execute(
                "update events set line = $3, hash = $4 where partition = $1 and position = $2",
                one["partition"], position, line, hash_,
            )  # fmt: skip
        return {Kind.REORDERED}
    change = "update events set position = $3 where partition = $1 and position = $2"
    for old, new in ((one[1], -5), (other[1], one[1]), (-5, other[1])):
        await conn.execute(change, one["partition"], old, new)
    return {Kind.REORDERED}


async def truncate(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    await conn.execute("delete from events where partition = $1 and position >= $2", *row[:2])
    return {Kind.TRUNCATED}


async def truncate_with_its_head(conn: Connection, chance: random.Random) -> set[Kind]:
    """The log looks as it did earlier: only what was signed later tells."""
    row = await some(conn, chance)
    await conn.execute("delete from events where partition = $1 and position >= $2", *row[:2])
    before = await conn.fetchval(
        "select hash from events where partition = $1 and position = $2", row["partition"], row["position"] - 1
    )
    await conn.execute(
        "update heads set position = $2 - 1, hash = $3 where partition = $1", *row[:2], before or bytes(32)
    )
    return {Kind.TRUNCATED}


async def truncate_all(conn: Connection, _: random.Random) -> set[Kind]:
    await conn.execute("truncate events")
    return {Kind.TRUNCATED}


async def change_head(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    change = chance.choice(["hash = sha256(hash)", "position = position + 5", "position = position - 5"])
    await conn.execute(f"update heads set {change} where partition = $1", row["partition"])
    return {Kind.HEAD}


async def remove_head(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    await conn.execute("delete from heads where partition = $1", row["partition"])
    return {Kind.HEAD}


async def change_checkpoint(conn: Connection, chance: random.Random) -> set[Kind]:
    row = await some(conn, chance)
    change = chance.choice([
        "root = sha256(root)", "hash = sha256(hash)", "position = position - 1",
        "note = replace(note, '/', '+')", "note = replace(note, E'\\n\\n', E'\\n')",
    ])  # fmt: skip
    await conn.execute(f"update signed_checkpoints set {change} where partition = $1", row["partition"])
    return {Kind.CHECKPOINT}


WAYS: tuple[Tamper, ...] = (
    edit_line, edit_hash, edit_column, edit_and_seal_again, delete, delete_and_close_up, insert, insert_aside,
    insert_sealed, swap, truncate, truncate_with_its_head, truncate_all, change_head, remove_head, change_checkpoint,
)  # fmt: skip
