-- One batch of sealed events and the head behind them, as CTEs that the append puts into its statement.
-- $1 partition · $2–$9 events · $10 position before · $11 position after · $12 hash after · $13 recorded_at
-- The head's row is locked by this transaction; `position = $10` is a guard that can't fail under it.
put_events as (
    insert into events (partition, position, tenant, stream, version, type, recorded_at, actor, line, hash)
    select $1, position, tenant, stream, version, type, $13, actor, line, hash
    from unnest($2::bigint[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[], $8::bytea[], $9::bytea[])
         as new (position, tenant, stream, version, type, actor, line, hash)
),
move_head as (
    update heads set position = $11, hash = $12, recorded_at = $13 where partition = $1 and position = $10
    returning position
)
