-- Jobs that time alone may have changed by now, ordered by (due, job): the page after ($3, $4).
-- $1 partition · $2 now · $3, $4 due and job of the last page's last row · $5 limit
-- Indexes: jobs_due, leases_expires. No lock: decided under the head's lock, nothing is due a second time.
select tenant, job, due
from (
    (select tenant, id, due_at
     from jobs
     where partition = $1 and due_at <= $2 and (due_at, id) > ($3, $4)
     order by due_at, id
     limit $5)
    union all
    (select tenant, job, least(expires_at, pending_at)
     from leases
     where partition = $1 and least(expires_at, pending_at) <= $2 and (least(expires_at, pending_at), job) > ($3, $4)
     order by least(expires_at, pending_at), job
     limit $5)
) as page (tenant, job, due)
order by due, job
limit $5
