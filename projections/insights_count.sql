-- Add a batch's counts to the days they belong to.
-- $1 partition · $2–$4 tenant, type, day · $5–$10 counts, in the order of COUNTED
-- By the primary key. Only the active runner of the partition writes here.
insert into insights as i (partition, tenant, type, day, requests, repeats, finished, canceled, needs_fix, attempts_lost)
select $1, *
from unnest($2::text[], $3::text[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
            $10::bigint[])
on conflict (partition, tenant, type, day) do update
    set requests = i.requests + excluded.requests,
        repeats = i.repeats + excluded.repeats,
        finished = i.finished + excluded.finished,
        canceled = i.canceled + excluded.canceled,
        needs_fix = i.needs_fix + excluded.needs_fix,
        attempts_lost = i.attempts_lost + excluded.attempts_lost
