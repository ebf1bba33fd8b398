-- The kinds of jobs that stirred, and how many of each: those ready now, or one where an attempt made room under a limit.
-- $1 partition · $2 jobs
-- By the primary keys of jobs and queue, and of types. No lock.
select j.tenant, j.type, greatest(count(q.job), 1)::int as jobs
from jobs j
left join queue q on q.partition = j.partition and q.job = j.id
left join types t on t.partition = j.partition and t.tenant = j.tenant and t.name = j.type
where j.partition = $1 and j.id = any($2)
    and (q.job is not null or num_nonnulls(t.limit_tenant, t.limit_owner, t.limit_total) > 0)
group by j.tenant, j.type
