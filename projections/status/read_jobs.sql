-- A page of a tenant's jobs, newest first.
-- $1 partition · $2 tenant · $3 type or null · $4 state or null · $5 text that title contains (a like pattern), or null
-- · $6 created_position before which the page begins · $7 limit · $8 how many jobs are walked over at most
-- By jobs_newest, read only as far as the page is filled or the walk is over. No lock.
select doc, created_position
from (
    select doc, created_position, type, state, title
    from jobs
    where partition = $1 and tenant = $2 and created_position < $6
    order by created_position desc
    limit $8
) walked
where ($3::text is null or type = $3)
    and ($4::text is null or state = $4)
    and ($5::text is null or title ilike $5)
order by created_position desc
limit $7
