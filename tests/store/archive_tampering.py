"""What somebody who owns the database and the files could do to archived ranges: each way takes both and a seed."""

import gzip
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

from asyncpg import Record

from eventstore.archive.packed import Packer
from eventstore.audit.merkle import Tree
from eventstore.audit.walk import Kind
from eventstore.chain import START, digest_of, next_hash
from eventstore.postgres import Connection

Tamper = Callable[[Connection, Path, random.Random], Awaitable[set[Kind]]]

RECORDS = "select * from archives order by first"
CARRIED = "select * from events where position <= (select max(last) from archives) order by position"
KEEP_RECORD = """update archives
    set before = $2, hash = $3, root = $4, starts = $5, offsets = $6, size = $7, digest = $8 where first = $1"""
FREE = """select p from generate_series(1, (select max(last) from archives)) p
    where not exists (select from events where position = p) limit 1"""
TAIL = len(',"hash":""}') + 64
ANY = {Kind.EDITED, Kind.MISSING, Kind.INSERTED, Kind.REORDERED, Kind.CHECKPOINT}


async def record_of(conn: Connection, chance: random.Random) -> Record:
    return chance.choice(await conn.fetch(RECORDS))


async def carried_of(conn: Connection, chance: random.Random) -> Record:
    return chance.choice(await conn.fetch(CARRIED))


async def file_of(conn: Connection, folder: Path, chance: random.Random) -> Path:
    name: str = (await record_of(conn, chance))["name"]
    return folder / name


RECORD_CHANGES = (
    "before = sha256(before)", "hash = sha256(hash)", "root = sha256(root)", "digest = sha256(digest)",
    "last = last + 1", "last = last - 1", "first = first + 1", "first = first - 1", "size = size - 1",
    "size = size + 1", "name = replace(name, '.gz', '.zip')", "offsets[1] = 1", "starts[1] = starts[1] + 1",
    "before = hash", "hash = before", "root = hash",
)  # fmt: skip


async def edit_record(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    record = await record_of(conn, chance)
    await conn.execute(f"update archives set {chance.choice(RECORD_CHANGES)} where first = $1", record["first"])
    return ANY


async def delete_record(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    record = await record_of(conn, chance)
    await conn.execute("delete from archives where first = $1", record["first"])
    return {Kind.MISSING, Kind.TRUNCATED}


async def truncate_records(conn: Connection, _: Path, __: random.Random) -> set[Kind]:
    await conn.execute("truncate archives")
    return {Kind.MISSING, Kind.TRUNCATED}


async def swap_records(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    """Each then says what the other one's file holds, or has the other one's hashes."""
    one, other = chance.sample(await conn.fetch(RECORDS), 2)
    columns = chance.choice([("name", "starts", "offsets", "size", "digest"), ("name",), ("root",), ("hash", "before")])
    for name in columns:
        for record, said in ((one, other[name]), (other, one[name])):
            await conn.execute(f"update archives set {name} = $2 where first = $1", record["first"], said)
    return ANY


async def double_record(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    record = await record_of(conn, chance)
    names = ", ".join(name for name in record.keys() if name != "first")  # noqa: SIM118 - a Record iterates its values
    await conn.execute(
        f"insert into archives (first, {names}) select first + $2, {names} from archives where first = $1",
        record["first"], chance.randint(1, record["last"] - record["first"]),
    )  # fmt: skip
    return ANY


async def delete_carried(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    row = await carried_of(conn, chance)
    await conn.execute("delete from events where position = $1", row["position"])
    return {Kind.MISSING}


async def delete_carried_job(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    row = await carried_of(conn, chance)
    upto = await conn.fetchval("select max(last) from archives")
    await conn.execute("delete from events where stream = $1 and position <= $2", row["stream"], upto)
    return {Kind.MISSING}


async def delete_all_carried(conn: Connection, _: Path, __: random.Random) -> set[Kind]:
    await conn.execute("delete from events where position <= (select max(last) from archives)")
    return {Kind.MISSING}


COLUMNS = ("tenant = 'eve'", "version = version + 1000", "type = 'JobForgotten'", "actor = 'user:eve'",
           "hash = sha256(hash)", "recorded_at = recorded_at + interval '1 microsecond'",
           "line = convert_to(replace(convert_from(line, 'UTF8'), '\"schema\":1', '\"schema\":2'), 'UTF8')",
)  # fmt: skip


async def edit_carried(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    row = await carried_of(conn, chance)
    change = chance.choice(COLUMNS)
    await conn.execute(f"update events set {change} where position = $1", row["position"])
    return {Kind.EDITED}


async def swap_carried(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    one, other = chance.sample(await conn.fetch(CARRIED), 2)
    for old, new in ((one["position"], -5), (other["position"], one["position"]), (-5, other["position"])):
        await conn.execute("update events set position = $2 where position = $1", old, new)
    return ANY


async def put_back(conn: Connection, _: Path, chance: random.Random) -> set[Kind]:
    """A row in the table, where its range was archived, that says something else."""
    row = await carried_of(conn, chance)
    free = await conn.fetchval(FREE)
    await conn.execute(
        """insert into events (partition, position, tenant, stream, version, type, recorded_at, actor, line, hash)
        values (0, $1, $2, 'type:forged', 1, $3, $4, $5, $6, $7)""",
        free, row["tenant"], row["type"], row["recorded_at"], row["actor"], row["line"], row["hash"],
    )  # fmt: skip
    return ANY


async def flip_byte(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    path = await file_of(conn, folder, chance)
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return ANY


async def cut_file(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    path = await file_of(conn, folder, chance)
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])
    return {Kind.MISSING}


async def lengthen_file(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    path = await file_of(conn, folder, chance)
    more = chance.choice([b"\0", chance.randbytes(40), gzip.compress(b'{"forged":true}\n')])
    path.write_bytes(path.read_bytes() + more)
    return {Kind.MISSING}


async def remove_file(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    (await file_of(conn, folder, chance)).unlink()
    return {Kind.MISSING}


async def replace_file(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    """One archive's file in the place of another; or both have changed places."""
    one, other = (folder / record["name"] for record in chance.sample(await conn.fetch(RECORDS), 2))
    content = one.read_bytes(), other.read_bytes()
    one.write_bytes(content[1])
    if chance.random() < 0.5:
        other.write_bytes(content[0])
    return ANY


async def pack_again(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    """The same lines, compressed otherwise: not the file that was put there."""
    path = await file_of(conn, folder, chance)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=0))
    return {Kind.MISSING}


async def edit_line_in_file(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    """The record is made to fit its new file, but the chain is not."""
    await rewritten(conn, folder, chance, sealed=False)
    return {Kind.EDITED}


async def edit_and_seal_again(conn: Connection, folder: Path, chance: random.Random) -> set[Kind]:
    """Files, records, what was carried along, the table and its head are made to fit: only what was signed tells."""
    await rewritten(conn, folder, chance, sealed=True)
    return {Kind.CHECKPOINT}


async def rewritten(conn: Connection, folder: Path, chance: random.Random, *, sealed: bool) -> None:
    records = await conn.fetch(RECORDS)
    victim, hash_, changed = chance.choice(records), START, False
    for record in records:
        path, before, tree, pack = folder / record["name"], hash_, Tree(), Packer(record["first"])
        lines = gzip.decompress(path.read_bytes()).splitlines()
        chosen, content = chance.randrange(len(lines)), b""
        for n, whole in enumerate(lines):
            line, stored = whole[:-TAIL] + b"}", bytes.fromhex(whole[-66:-2].decode())
            if record is victim and n == chosen:
                line, changed = line.replace(b'"actor":{"kind":"', b'"actor":{"kind":"x'), True
            hash_ = next_hash(hash_, line) if sealed else stored
            tree.add(digest_of(line))
            content += pack.add(line, hash_)
            await conn.execute(
                """update events set line = $2, hash = $3, actor = case when $4 then 'x' || actor else actor end
                where position = $1""",
                record["first"] + n, line, hash_, record is victim and n == chosen,
            )  # fmt: skip
        content += pack.block()
        path.write_bytes(content)
        await conn.execute(
            KEEP_RECORD, record["first"], before, hash_, tree.root(), pack.starts, pack.offsets, pack.size,
            pack.digest.digest(),
        )  # fmt: skip
    assert changed
    if sealed:
        await seal_rest(conn, records[-1]["last"], hash_)


async def seal_rest(conn: Connection, last: int, hash_: bytes) -> None:
    for row in await conn.fetch("select position, line from events where position > $1 order by position", last):
        hash_ = next_hash(hash_, row["line"])
        await conn.execute("update events set hash = $2 where position = $1", row["position"], hash_)
    await conn.execute("update heads set hash = $1", hash_)


WAYS: tuple[Tamper, ...] = (
    edit_record, delete_record, truncate_records, swap_records, double_record, delete_carried, delete_carried_job,
    delete_all_carried, edit_carried, swap_carried, put_back, flip_byte, cut_file, lengthen_file, remove_file,
    replace_file, pack_again, edit_line_in_file, edit_and_seal_again,
)  # fmt: skip
