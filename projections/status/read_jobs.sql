-- A page of a tenant's jobs, newest first.
-- $1 partition · $2 tenant · $3 type or null · $4 state or null · $5 text that title contains (a like pattern), or null
-- · $6 the same text as a ref · $7 the same text as an id · $8 created_position before which the page begins · $9 limit
-- By jobs_newest, read only as far as the page is filled. No lock.
select doc, created_position
from jobs
where partition = $1 and tenant = $2 and created_position < $8
    and ($3::text is null or type = $3)
    and ($4::text is null or state = $4)
    and ($5::text is null or title ilike $5 or ref = $6 or id = $7)
order by created_position desc
limit $9
