-- What an owner's screen opens with: each open job and the newest $5 ended ones, oldest first.
-- $1 partition · $2 tenant · $3 owner · $4 states of ended jobs · $5 ended jobs at most · $6 open jobs at most
-- By jobs_owner; the newest first, so that the limits keep those. No lock.
with own as (
    select doc, created_position, state = any($4::text[]) as ended
    from jobs
    where partition = $1 and tenant = $2 and owner = $3
),
shown as (
    (select doc, created_position from own where not ended order by created_position desc limit $6)
    union all
    (select doc, created_position from own where ended order by created_position desc limit $5)
)
select doc from shown order by created_position
