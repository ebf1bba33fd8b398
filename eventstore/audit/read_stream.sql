-- A page of one stream's lines in order, as many as fit, and always one.
-- $1 partition · $2 tenant · $3 position after which it begins · $4 last position · $5 lines · $6 bytes · $7 since
-- · $8 until · $9 type of event · $10 stream
-- By events_stream_version, whose order is that of the positions. No lock.
select position, tenant, line, hash
from (
    select position, tenant, line, hash, sum(octet_length(line)) over (order by version) - octet_length(line) as before
    from (
        select position, tenant, line, hash, version
        from events
        where partition = $1 and tenant = $2 and stream = $10 and position > $3 and position <= $4
            and ($7::timestamptz is null or recorded_at >= $7)
            and ($8::timestamptz is null or recorded_at < $8)
            and ($9::text is null or type = $9)
        order by version
        limit $5
    ) page
) measured
where before < $6
order by position
