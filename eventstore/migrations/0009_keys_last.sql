-- Both tables are often empty. Of one that was vacuumed then, every index costs the planner the same and it takes the newest
-- that fits: with that the primary key, or an append looks through all rows of a partition for each of its own
-- (docs/performance.md). A tenant has one partition, so counting live leases needs none.
drop index leases_limits;
create index leases_limits on leases (tenant, type, owner);
alter table leases drop constraint leases_pkey, add primary key (partition, job);
alter table idempotency drop constraint idempotency_pkey, add primary key (partition, tenant, call, key);
