-- Jobs that have waited for long and were not told so, ordered by (due, job): the page after ($3, $4).
-- $1 partition · $2 now · $3, $4 due and job of the last page's last row · $5 limit · $6 seconds that are long
-- Index: queue_untold. No lock: decided under the head's lock, nothing is told a second time.
select tenant, job, ready_at + make_interval(secs => $6) as due
from queue
where partition = $1 and not delayed and ready_at <= $2::timestamptz - make_interval(secs => $6)
  and (ready_at, job) > ($3::timestamptz - make_interval(secs => $6), $4)
order by ready_at, job
limit $5
