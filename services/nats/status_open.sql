-- A page of the jobs that have not ended.
-- $1 partition · $2 id after which the page begins · $3 states of ended jobs · $4 limit
-- By the primary key (partition, id); only a stream that was made anew is filled so. No lock.
select id::text as id
from jobs
where partition = $1 and id > $2 and state <> all($3::text[])
order by id
limit $4
