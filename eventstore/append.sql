-- One batch of sealed events and the head behind them, as CTEs that the append puts into its statement.
-- $1 partition · $2–$9 events · $10 position before · $11 position after · $12 hash after · $13 recorded_at
-- $14 the head as it was read: which transaction wrote it; null for who holds its lock anyway
-- A head that moved since is not moved again: whoever puts this into a statement must fail it then.
put_events as (
    insert into events (partition, position, tenant, stream, version, type, recorded_at, actor, line, hash)
    select $1, position, tenant, stream, version, type, $13, actor, line, hash
    from unnest($2::bigint[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::bytea[], $9::bytea[])
         as new (position, tenant, stream, version, type, actor, line, hash)
),
move_head as (
    update heads set position = $11, hash = $12, recorded_at = $13 where partition = $1 and position = $10 and ($14::bigint is null or xmin::text::bigint = $14)
    returning position
)
