-- All that a batch of commands is decided by, in one round trip and of one moment: the head says which.
-- $1 partition · $2 jobs · $3, $4 dedupe (tenant, key) · $5–$7 idempotency (tenant, call, key) · $8, $9 types (tenant, name)
-- $10, $11 items (job, id) · $12 jobs to retry · $13–$15 queues to claim from (tenant, type, how many)
-- $16 tenants whose own stream goes on
-- Every branch goes by a primary key, a tenant's stream by events_stream_version, the queue by queue_next, an owner's leases by leases_limits; no lock but the head's.
-- The plan is kept from append to append: `offset 0` makes each look-up one of a single row, whatever the planner guesses
-- (tests/store/test_plans.py), and a tenant has one partition, so leases_limits needs none. Left to its guesses, an append read whole tables: docs/performance.md.
with clock as (
    select position, hash, greatest(recorded_at, clock_timestamp()) as now, xmin::text::bigint as seen from heads where partition = $1
),
queues as (
    select w.tenant, w.type, w.most, t.limit_owner, coalesce(t.limit_tenant, t.limit_owner, t.limit_total) is not null as limited
    from unnest($13::text[], $14::text[], $15::int[]) w (tenant, type, most)
    left join lateral (
        select * from types t where t.partition = $1 and t.tenant = w.tenant and t.name = w.type offset 0
    ) t on true
),
remembered as (
    select d.tenant, d.key, d.job, d.first_at, d.until, d.active
    from (
        select tenant, key from unnest($3::text[], $4::bytea[]) w (tenant, key)
        union
        select j.tenant, j.dedupe
        from unnest($12::uuid[]) w (id)
        cross join lateral (select * from jobs j where j.partition = $1 and j.id = w.id offset 0) j
    ) w
    cross join lateral (
        select * from dedupe d where d.partition = $1 and d.tenant = w.tenant and d.key = w.key offset 0
    ) d
)
select 'head' as kind, null as k1, null as k2, null as k3, null as k4, position as n1, seen as n2, null::float8 as d1,
       null::bool as f1, now as t1, null::timestamptz as t2, null::timestamptz as t3, hash as b1, null::bytea as b2, null::bytea as b3
from clock
union all
select 'job', id::text, null, null, null, created_position, null, null, null, null, null, null, doc, null, null
from unnest($2::uuid[]) w (job)
cross join lateral (select * from jobs j where j.partition = $1 and j.id = w.job offset 0) j
union all
select 'lease', l.job::text, worker, null, null, run, attempt, lease_s, null, seen_at, expires_at, pending_at, pending, null, null
from unnest($2::uuid[]) w (job)
cross join lateral (select * from leases l where l.partition = $1 and l.job = w.job offset 0) l
union all
select 'memory', m.tenant, encode(m.key, 'hex'), m.job::text, null, null, null, null, m.active, m.first_at, m.until, null, j.doc, null, null
from remembered m left join lateral (select doc from jobs j where j.partition = $1 and j.id = m.job offset 0) j on true
union all
select 'key', i.tenant, i.call, i.key, i.job::text, i.status, i.position, null, null, null, null, null, i.body, i.answer, j.doc
from unnest($5::text[], $6::text[], $7::text[]) w (tenant, call, key)
cross join lateral (
    select * from idempotency i
    where i.partition = $1 and i.tenant = w.tenant and i.call = w.call and i.key = w.key offset 0
) i
left join lateral (select doc from jobs j where j.partition = $1 and j.id = i.job offset 0) j on true
union all
select 'type', t.tenant, t.name, null, null, t.version, null, null, null, null, null, null, t.definition, null, null
from unnest($8::text[], $9::text[]) w (tenant, name)
cross join lateral (
    select * from types t where t.partition = $1 and t.tenant = w.tenant and t.name = w.name offset 0
) t
union all
select 'item', i.job::text, i.id, i."column", i.reason, i.run, i.attempt, null, i.failed, null, null, null, null, null, null
from unnest($10::uuid[], $11::text[]) w (job, id)
cross join lateral (select * from items i where i.partition = $1 and i.job = w.job and i.id = w.id offset 0) i
union all
select 'item', i.job::text, i.id, i."column", i.reason, i.run, i.attempt, null, i.failed, null, null, null, null, null, null
from unnest($12::uuid[]) w (id)
cross join lateral (select * from items i where i.partition = $1 and i.job = w.id and i.failed offset 0) i
union all
select 'next', n.job::text, n.tenant, n.type, null, n.priority, null, null, null, n.ready_at, null, null, j.doc, j.request, j.retry_input
from queues w
cross join lateral (
    select q.job, q.tenant, q.type, q.priority, q.ready_at
    from queue q
    where q.partition = $1 and q.tenant = w.tenant and q.type = w.type and q.ready_at <= (select now from clock)
      and (w.limit_owner is null or w.limit_owner > (
            select count(*) from leases l
            where l.tenant = q.tenant and l.type = q.type and l.owner = q.owner))
    order by q.priority desc, q.ready_at, q.job
    limit w.most
) n
cross join lateral (select doc, request, retry_input from jobs j where j.partition = $1 and j.id = n.job offset 0) j
union all
select 'tenant', w.tenant, null, null, null, v.version, null, null, null, null, null, null, null, null, null
from unnest($16::text[]) w (tenant)
cross join lateral (
    select max(e.version) as version from events e
    where e.partition = $1 and e.tenant = w.tenant and e.stream = 'tenant:' || w.tenant
) v
union all
select 'live', live.tenant, live.type, live.owner, null, count(*), null, null, null, null, null, null, null, null, null
from leases live
where (select bool_or(limited) or count(distinct tenant) > 1 from queues) and live.partition = $1
  and live.type = any (select type from queues)
group by live.tenant, live.type, live.owner
