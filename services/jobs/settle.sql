-- What an append writes besides events and projections, as CTEs: leases and idempotency keys.
-- $1 partition · $2–$13 leases in · $14 leases out · $15–$22 keys. By primary key, once the head is moved.
put_leases as (
    insert into leases as l (partition, job, tenant, type, owner, run, attempt, worker, lease_s, seen_at, expires_at, pending, pending_at)
    select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::text[], $9::float8[],
                             $10::timestamptz[], $11::timestamptz[], $12::bytea[], $13::timestamptz[])
    on conflict (partition, job) do update
        set run = excluded.run, attempt = excluded.attempt, worker = excluded.worker, lease_s = excluded.lease_s,
            seen_at = excluded.seen_at, expires_at = excluded.expires_at, pending = excluded.pending,
            pending_at = excluded.pending_at
),
drop_leases as (
    delete from leases where ctid = any (array(
        select l.ctid from unnest($14::uuid[]) gone (job)
        cross join lateral (select ctid from leases l where l.partition = $1 and l.job = gone.job offset 0) l
    ))
),
put_keys as (
    insert into idempotency (partition, tenant, call, key, body, status, job, answer, position, at)
    select $1, *, $23::timestamptz from unnest($15::text[], $16::text[], $17::text[], $18::bytea[], $19::int[], $20::uuid[], $21::bytea[], $22::bigint[])
)
