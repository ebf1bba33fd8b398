-- A page of a job's items in the order of the person's own file.
-- $1 partition · $2 job · $3 first run that is listed · $4 failed, or null for all · $5, $6 (row, id) after which the
-- page begins (items without a row come last) · $7 limit
-- By the primary key (partition, job, id); at most the ledger's limit of rows is sorted. No lock.
select id, row, "column", reason, value, failed, run, attempt
from items
where partition = $1 and job = $2 and run >= $3
    and ($4::boolean is null or failed = $4)
    and (coalesce(row, 9223372036854775807), id) > ($5::bigint, $6::text)
order by coalesce(row, 9223372036854775807), id
limit $7
