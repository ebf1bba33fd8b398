-- What waits, runs and was spared, by type.
-- $1 partition · $2 tenant · $3 seconds that count as recent
-- By queue_next, leases_limits and the keys of insights and insights_recent. No lock.
with waiting as (
    select type, count(*) filter (where ready_at <= clock_timestamp()) as waiting,
        count(*) filter (where ready_at > clock_timestamp()) as later,
        extract(epoch from clock_timestamp() - min(ready_at) filter (where ready_at <= clock_timestamp())) as oldest_s
    from queue where partition = $1 and tenant = $2 group by type
),
running as (
    select type, count(*) as running from leases where partition = $1 and tenant = $2 group by type
),
finished as (
    select type, sum(finished) as finished from insights_recent
    where partition = $1 and tenant = $2 and slot > clock_timestamp() - make_interval(secs => $3) group by type
),
spared as (
    select type, sum(repeats) as repeats from insights where partition = $1 and tenant = $2 group by type
)
select t.name as type, coalesce(waiting, 0)::int as waiting, coalesce(later, 0)::int as later,
    oldest_s::float8, coalesce(running, 0)::int as running, coalesce(finished, 0)::int as finished,
    coalesce(repeats, 0)::int as repeats
from types t
left join waiting w on w.type = t.name
left join running r on r.type = t.name
left join finished f on f.type = t.name
left join spared s on s.type = t.name
where t.partition = $1 and t.tenant = $2
order by t.name
