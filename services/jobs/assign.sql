-- What claimed attempts work on, once they are committed. $1 partition · $2 jobs · $3 those of them that retry failed items
-- By primary key; no lock: a held job's request never changes.
select j.id::text as job, j.request, j.retry_input,
       null as item, null::bigint as row, null as "column", null as reason, null::bytea as value, null::int as run, null::int as attempt
from jobs j where j.partition = $1 and j.id = any ($2::uuid[])
union all
select i.job::text, null, null, i.id, i.row, i."column", i.reason, i.value, i.run, i.attempt
from items i where i.partition = $1 and i.job = any ($3::uuid[]) and i.failed
order by job, row nulls first, item nulls first
