-- The tenants that have ready jobs of these types, of each partition.
-- $1 partitions · $2 types · $3 at most so many tenants of a partition, from $4 on and then from the beginning
-- By queue_next: one probe for each tenant that has anything queued, one for each of its types. No lock.
with recursive queued (partition, tenant) as (
    select wanted.partition, first.tenant
    from unnest($1::int[]) as wanted (partition)
    left join lateral (
        select q.tenant from queue q where q.partition = wanted.partition order by q.tenant limit 1
    ) first on true
    union all
    select before.partition, next.tenant
    from queued before
    left join lateral (
        select q.tenant from queue q
        where q.partition = before.partition and q.tenant > before.tenant order by q.tenant limit 1
    ) next on true
    where before.tenant is not null
),
ready as (
    select queued.partition, queued.tenant,
           row_number() over (partition by queued.partition order by queued.tenant < $4, queued.tenant) as place
    from queued
    where queued.tenant is not null and exists (
        select from unnest($2::text[]) as wanted (type)
        cross join lateral (
            select from queue q
            where q.partition = queued.partition and q.tenant = queued.tenant and q.type = wanted.type
              and q.ready_at <= clock_timestamp()
            limit 1
        ) one
    )
)
select partition, array_agg(tenant order by place) as tenants
from ready where place <= $3
group by partition order by partition
