-- The queue and the live attempts, at the position of the head: what projections/waits/places.py begins from.
-- $1 partition · $2 jobs that came back, null for all
-- Two index scans of operating tables, once for a process; by primary key for jobs that came back. No lock.
select 'waiting' as kind, q.job::text as job, q.tenant, q.type, q.owner, q.priority, q.ready_at as at,
       q.ready_at <= clock_timestamp() as ready, null as worker, null::bytea as definition
from queue q
where q.partition = $1 and ($2::uuid[] is null or q.job = any ($2))
union all
select 'working', l.job::text, l.tenant, l.type, l.owner, 0, l.seen_at, null, l.worker, null
from leases l
where l.partition = $1 and $2::uuid[] is null
union all
select 'type', null, t.tenant, t.name, null, null, null, null, null, t.definition
from types t
where t.partition = $1 and $2::uuid[] is null and num_nonnulls(t.limit_tenant, t.limit_owner, t.limit_total) > 0
