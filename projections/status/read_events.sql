-- A page of one job's sealed history, as many lines as fit in $6 bytes, and always one.
-- $1 partition · $2 tenant · $3 stream · $4 version after which the page begins · $5 limit · $6 bytes
-- By events_stream_version. No lock.
select version, line, hash
from (
    select version, line, hash, sum(octet_length(line)) over (order by version) - octet_length(line) as before
    from (
        select version, line, hash
        from events
        where partition = $1 and tenant = $2 and stream = $3 and version > $4
        order by version
        limit $5
    ) page
) measured
where before < $6
order by version
