-- What was learnt about waits (projections/waits/), and how the stated ones held. Kept beside the log, made from it.

create table waits_snapshots (
    partition int primary key,
    form      text not null,    -- the code that learnt it
    position  bigint not null,  -- of the last event it knows
    learnt    bytea not null,
    at        timestamptz not null default clock_timestamp()
);

-- Jobs whose stated waits are not yet judged.
create table waits_open (
    partition int not null,
    job       uuid not null,
    doc       bytea not null,   -- projections.waits.calibration.Open
    primary key (partition, job)
) with (fillfactor = 80);

create table waits_held (
    partition int not null,
    tenant    text not null,
    type      text not null,
    doc       bytea not null,   -- projections.waits.calibration.Kept
    primary key (partition, tenant, type)
) with (fillfactor = 80);

-- Workers that ask for work, and for which types. Operating state, as leases are: a rebuild leaves it in place.
create table workers (
    partition int not null,
    tenant    text not null,
    worker    text not null,
    types     text[] not null,
    seen_at   timestamptz not null,
    primary key (partition, tenant, worker)
) with (fillfactor = 70);
create index workers_seen on workers (partition, seen_at);
