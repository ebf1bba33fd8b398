-- Seconds until time alone changes the next job; null when no job waits for time.
-- $1 partitions · $2 the moment up to which all were seen · $3 seconds of waiting that are long
-- Indexes: jobs_due, leases_expires, queue_untold: one row of each for every partition. No lock.
select extract(epoch from min(next.due) - clock_timestamp())::float8
from unnest($1::int[]) as wanted (partition)
cross join lateral (
    (select due_at
     from jobs
     where jobs.partition = wanted.partition and due_at > $2
     order by due_at
     limit 1)
    union all
    (select least(expires_at, pending_at)
     from leases
     where leases.partition = wanted.partition and least(expires_at, pending_at) > $2
     order by least(expires_at, pending_at)
     limit 1)
    union all
    (select ready_at + make_interval(secs => $3)
     from queue
     where queue.partition = wanted.partition and not delayed and ready_at > $2::timestamptz - make_interval(secs => $3)
     order by ready_at
     limit 1)
) as next (due)
