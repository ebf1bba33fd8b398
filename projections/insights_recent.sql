-- What ended a moment ago, in short slots of time: a count that costs the same however much there is, and that stays right
-- when the lines themselves are archived. Kept by projections/insights.py, some minutes long.

create table insights_recent (
    partition int not null,
    tenant    text not null,
    type      text not null,
    slot      timestamptz not null, -- its begin
    finished  bigint not null,
    primary key (partition, tenant, type, slot)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index insights_recent_slot on insights_recent (partition, slot);
