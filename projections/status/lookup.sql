-- Jobs by their keys, whatever their tenant, which one of those named each is (from 1), and the time.
-- $1 partitions · $2 ids, as many
-- By the primary key, one after another. `offset 0` keeps it so: of a young table nothing is known, and the planner
-- would as soon walk over every job of a tenant. No lock.
select named.nth, found.doc, clock_timestamp() as at
from unnest($1::int[], $2::uuid[]) with ordinality as named (partition, id, nth)
cross join lateral (
    select doc from jobs where partition = named.partition and id = named.id offset 0
) found
