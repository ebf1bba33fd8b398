-- A page of a partition's lines in order, as many as fit, and always one.
-- $1 partition · $2 tenant, or null for all · $3 position after which it begins · $4 last position · $5 lines · $6 bytes
-- · $7 since · $8 until · $9 type of event · $10 type of job (its jobs' events, and the type's own)
-- By the primary key, read only as far as the page is filled; a job's type by the primary key of jobs. No lock.
select position, tenant, line, hash
from (
    select position, tenant, line, hash, sum(octet_length(line)) over (order by position) - octet_length(line) as before
    from (
        select e.position, e.tenant, e.line, e.hash
        from events e
        where e.partition = $1 and e.position > $3 and e.position <= $4
            and ($2::text is null or e.tenant = $2)
            and ($7::timestamptz is null or e.recorded_at >= $7)
            and ($8::timestamptz is null or e.recorded_at < $8)
            and ($9::text is null or e.type = $9)
            and ($10::text is null or e.stream = 'type:' || $10 or exists (
                select from jobs j
                where j.partition = $1 and j.type = $10 and j.tenant = e.tenant
                    and j.id = case when strpos(e.stream, ':') = 0 then e.stream::uuid end
            ))
        order by e.position
        limit $5
    ) page
) measured
where before < $6
order by position
