-- Jobs by their keys, whatever their tenant, and the time.
-- $1 partitions · $2 ids, as many
-- By the primary key, one after another. `offset 0` keeps it so: of a young table nothing is known, and the planner
-- would as soon walk over every job of a tenant. No lock.
select found.partition, found.id, found.doc, clock_timestamp() as at
from unnest($1::int[], $2::uuid[]) as named (partition, id)
cross join lateral (
    select partition, id, doc from jobs where partition = named.partition and id = named.id offset 0
) found
