-- The jobs with this ref or id, newest first.
-- $1 partition · $2 tenant · $3 type or null · $4 state or null · $5 owner or null · $6 ref · $7 id or null
-- · $8 created_position before which the page begins · $9 limit
-- By jobs_ref and the key. No lock.
select doc, created_position
from jobs
where (partition, id) in (
    select partition, id from jobs where partition = $1 and tenant = $2 and ref = $6
    union
    select partition, id from jobs where partition = $1 and id = $7
)
    and tenant = $2
    and ($3::text is null or type = $3)
    and ($4::text is null or state = $4)
    and ($5::text is null or owner = $5)
    and created_position < $8
order by created_position desc
limit $9
