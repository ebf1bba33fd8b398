-- How many jobs of the awaited kinds are ready: the net under the wake-ups.
-- $1 partitions · $2, $3 tenants and types that somebody waits for
-- By queue_next, one kind after the other; counted only as far as there can be waiters. No lock.
select kind.tenant, kind.type, ready.jobs
from unnest($2::text[], $3::text[]) as kind (tenant, type),
lateral (
    select count(*)::int as jobs
    from (
        select from queue q
        where q.partition = any($1) and q.tenant = kind.tenant and q.type = kind.type and q.ready_at <= clock_timestamp()
        limit 10000
    ) first
) ready
where ready.jobs > 0
