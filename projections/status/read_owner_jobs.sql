-- A page of one owner's jobs, newest first: the parameters of read_jobs.sql, then $10 owner.
-- By jobs_owner, read only as far as the page is filled. No lock.
select doc, created_position
from jobs
where partition = $1 and tenant = $2 and owner = $10 and created_position < $8
    and ($3::text is null or type = $3)
    and ($4::text is null or state = $4)
    and ($5::text is null or title ilike $5 or ref = $6 or id = $7)
order by created_position desc
limit $9
