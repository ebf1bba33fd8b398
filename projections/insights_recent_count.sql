-- Add a batch's ends to their slots.
-- $1 partition · $2–$5 tenant, type, slot, count
-- By the primary key. Only the active runner of the partition writes here.
insert into insights_recent as i (partition, tenant, type, slot, finished)
select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[], $5::bigint[])
on conflict (partition, tenant, type, slot) do update set finished = i.finished + excluded.finished
