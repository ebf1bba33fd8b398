-- Lines of jobs that stand in archives and perhaps should stand in the table as well, since they are carried along.
-- $1 partition · $2 last archived position · $3 states of ended jobs
-- Rows go by the primary key, what follows them by events_stream_version, jobs by their primary key. No lock.

-- The lines of a job leave together: behind one that is there, none is gone.
select e.tenant, e.stream, e.version + 1 as version
from events e
join jobs j on j.partition = $1 and j.tenant = e.tenant and j.id = case when strpos(e.stream, ':') = 0 then e.stream::uuid end
where e.partition = $1 and e.position <= $2 and e.version < j.version
    and not exists (
        select from events n
        where n.partition = $1 and n.tenant = e.tenant and n.stream = e.stream and n.version = e.version + 1)
union all
-- Of an open job only those may be gone that left when it had ended: the newest of these.
select j.tenant, j.id::text, coalesce(first.version, j.version + 1) - 1
from jobs j
left join lateral (
    select min(e.version) as version from events e
    where e.partition = $1 and e.tenant = j.tenant and e.stream = j.id::text
) first on true
where j.partition = $1 and j.created_position <= $2 and j.state <> all ($3) and coalesce(first.version, j.version + 1) > 1
